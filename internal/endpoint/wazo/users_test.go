package wazo

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
)

// user wants an answer to be about a user.
func (h *tenant) user(got reply) userItem {
	h.Helper()
	var item userItem
	if got.status != http.StatusOK {
		h.Fatalf("%d %s", got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &item); err != nil {
		h.Fatal(err)
	}
	return item
}

// objectOf finds the AuthUser of a user as the API server has it.
func (h *tenant) objectOf(id string) *v1alpha1.AuthUser {
	h.Helper()
	list := &v1alpha1.AuthUserList{}
	if err := h.client.List(h.Context(), list, client.InNamespace(h.namespace), client.MatchingFields{"spec.subject": id}); err != nil {
		h.Fatal(err)
	}
	if len(list.Items) != 1 {
		h.Fatalf("%d AuthUsers have the subject %q", len(list.Items), id)
	}
	return &list.Items[0]
}

// wantSessions wants the API server to have so many sessions of a user.
func (h *tenant) wantSessions(id string, want int) {
	h.Helper()
	list := &v1alpha1.AuthSessionList{}
	if err := h.client.List(h.Context(), list, client.InNamespace(h.namespace), client.MatchingFields{"spec.subject": id}); err != nil {
		h.Fatal(err)
	}
	if len(list.Items) != want {
		h.Errorf("%d sessions of %s are stored, want %d", len(list.Items), id, want)
	}
}

func (h *tenant) wantLogin(login, password string, status int) {
	h.Helper()
	if got := h.do("POST", "/0.1/token", `{}`, "Authorization", basic(login+":"+password)); got.status != status {
		h.Errorf("a login as %s: %d %s, want %d", login, got.status, got.body, status)
	}
}

// A user who was made over HTTP is an AuthUser, and can log in before the answer is there.
func TestCreateUser(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	const id = "0E3A1B5C-7d9f-4b2a-8c6e-1f2a3b4c5d6e"
	got := h.call("POST", "users", `{
		"uuid": "`+id+`", "username": "Carol", "firstname": "Carol", "lastname": "Doe", "purpose": "external_api",
		"email_address": "Carol@example.com", "password": "a canary: 1", "enabled": true, "unknown": [1]}`)
	item := h.user(got)
	if strings.Contains(got.body, "canary") {
		t.Error("the answer holds the password")
	}
	want := userItem{
		UUID: strings.ToLower(id), Username: new("Carol"), FirstName: new("Carol"), LastName: new("Doe"), Purpose: "external_api",
		Emails: []emailItem{{
			UUID: emailUUID(strings.ToLower(id), "carol@example.com"), Address: "Carol@example.com", Main: true, Confirmed: true,
		}},
		Enabled: true, TenantUUID: h.jwtTenant(), AuthenticationMethod: "default",
	}
	if diff := cmp.Diff(want, item); diff != "" {
		t.Error(diff)
	}
	h.wantLogin("carol", "a canary: 1", http.StatusOK)
	h.wantLogin("carol@EXAMPLE.com", "a canary: 1", http.StatusOK)
	h.wantLogin("carol", "another", http.StatusUnauthorized)

	object := h.objectOf(item.UUID)
	if object.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedByGrantkeeper {
		t.Errorf("the labels are %v", object.Labels)
	}
	secret := &corev1.Secret{}
	if err := h.client.Get(t.Context(), types.NamespacedName{Namespace: h.namespace, Name: object.Spec.Password.HashSecretRef.Name}, secret); err != nil {
		t.Fatal(err)
	}
	hash := string(secret.Data["password"])
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, "canary") || len(secret.Data) != 1 {
		t.Errorf("the Secret holds %q", secret.Data)
	}
	owner := metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "AuthUser", Name: object.Name, UID: object.UID, BlockOwnerDeletion: new(false),
	}
	if diff := cmp.Diff([]metav1.OwnerReference{owner}, secret.OwnerReferences); diff != "" {
		t.Error(diff)
	}
	if label := secret.Labels[v1alpha1.LabelCredential]; label != v1alpha1.CredentialInput {
		t.Errorf("the Secret is labelled %q", label)
	}
	if log := h.log.text(); strings.Contains(log, "canary") {
		t.Error("the log holds the password")
	}
}

// Nothing has to be said about a user.
func TestCreateUserOfNothing(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for _, body := range []string{`{}`, `null`, `[]`, `{"username": null, "firstname": null, "lastname": "", "email_address": null, "password": null}`} {
		item := h.user(h.call("POST", "users", body))
		if item.Username != nil || item.FirstName != nil || len(item.Emails) != 0 || item.Purpose != "user" || !item.Enabled {
			t.Errorf("%s: %+v", body, item)
		}
		if got := h.user(h.call("GET", "users/"+item.UUID, "")); got.UUID != item.UUID {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestCreateUserRefuses(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for name, tc := range map[string]struct{ body, member string }{
		"an empty username":            {`{"username": ""}`, "username"},
		"a username that is too long":  {`{"username": "` + strings.Repeat("é", 257) + `"}`, "username"},
		"a username with a colon":      {`{"username": "a:b"}`, "username"},
		"a username with a control":    {`{"username": "a\u0007"}`, "username"},
		"a username that is a number":  {`{"username": 1}`, "username"},
		"a firstname that is a list":   {`{"firstname": ["a"]}`, "firstname"},
		"a firstname that is too long": {`{"firstname": "` + strings.Repeat("a", 129) + `"}`, "firstname"},
		"a lastname with a line break": {`{"lastname": "a\nb"}`, "lastname"},
		"an empty password":            {`{"password": ""}`, "password"},
		"a password that is true":      {`{"password": true}`, "password"},
		"an address without an at":     {`{"email_address": "carol"}`, "email_address"},
		"an address with two":          {`{"email_address": "a@b@c"}`, "email_address"},
		"an address with a space":      {`{"email_address": "a b@c"}`, "email_address"},
		"an address with a control":    {`{"email_address": "a@b\u0000"}`, "email_address"},
		"an address that is too long":  {`{"email_address": "a@` + strings.Repeat("b", 253) + `"}`, "email_address"},
		"an empty address":             {`{"email_address": ""}`, "email_address"},
		"a purpose that nobody knows":  {`{"purpose": "robot"}`, "purpose"},
		"a purpose that is null":       {`{"purpose": null}`, "purpose"},
		"enabled that is a word":       {`{"enabled": "true"}`, "enabled"},
		"enabled that is null":         {`{"enabled": null}`, "enabled"},
		"a uuid that is none":          {`{"uuid": "carol"}`, "uuid"},
		"a uuid that is null":          {`{"uuid": null}`, "uuid"},
		"a uuid without dashes":        {`{"uuid": "` + strings.ReplaceAll(subject, "-", "") + `"}`, "uuid"},
		"a method that is not there":   {`{"authentication_method": "ldap"}`, "authentication_method"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := h.in(t).call("POST", "users", tc.body)
			var answer struct {
				ErrorID  string                `json:"error_id"`
				Details  map[string]constraint `json:"details"`
				Resource string                `json:"resource"`
			}
			if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
				t.Fatal(err)
			}
			_, named := answer.Details[tc.member]
			if got.status != http.StatusBadRequest || answer.ErrorID != "invalid-data" || answer.Resource != "users" || !named {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	for name, tc := range map[string]struct {
		body    string
		headers []string
	}{
		"no body":        {"", nil},
		"half an object": {`{"username"`, nil},
		"a form":         {"username=carol", []string{"Content-Type", "application/x-www-form-urlencoded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := h.in(t).call("POST", "users", tc.body, tc.headers...)
			wantFrameworkProblem(t, got, http.StatusBadRequest, errNotJSON.text)
		})
	}
	t.Run("a list", func(t *testing.T) {
		t.Parallel()
		wantAPIProblem(t, h.in(t).call("POST", "users", `["carol"]`), http.StatusBadRequest,
			apiError{Message: "the body must be an object", ErrorID: "invalid-data"})
	})
}

// What another user has, in any case, is a conflict, which names the member.
func TestCreateUserConflicts(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.user(h.call("POST", "users", `{"username": "Carol", "email_address": "carol@example.com", "uuid": "`+bobSubject+`"}`))
	for name, tc := range map[string]struct{ body, member string }{
		"a username": {`{"username": "carol"}`, "username"},
		"an address": {`{"username": "x1", "email_address": "CAROL@example.com"}`, "email_address"},
		"a uuid":     {`{"uuid": "` + strings.ToUpper(bobSubject) + `"}`, "uuid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantAPIProblem(t, h.in(t).call("POST", "users", tc.body), http.StatusConflict, apiError{
				Message: "Conflict detected", ErrorID: "conflict", Resource: "users",
				Details: map[string]constraint{tc.member: {ID: "unique", Message: "the " + tc.member + " is already used"}},
			})
		})
	}
}

func TestReplaceUser(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "firstname": "Carol", "lastname": "Doe", "purpose": "internal", "email_address": "carol@example.com", "password": "x"}`))
	object := h.objectOf(made.UUID)
	object.Spec.Scopes = []string{"confd.#"} // a person's
	if err := h.client.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	replaced := h.user(h.call("PUT", "users/"+made.UUID, `{"username": "Caroline", "lastname": "Roe", "enabled": false, "password": "y", "uuid": "`+subject+`"}`))
	want := made
	want.Username, want.FirstName, want.LastName, want.Purpose, want.Enabled = new("Caroline"), nil, new("Roe"), "user", false
	if diff := cmp.Diff(want, replaced); diff != "" {
		t.Error(diff)
	}
	if got := h.objectOf(made.UUID); !slices.Equal(got.Spec.Scopes, object.Spec.Scopes) || got.Spec.Password == nil || got.Name != object.Name {
		t.Errorf("%+v", got.Spec)
	}
	h.wantLogin("caroline", "x", http.StatusUnauthorized) // disabled
	back := h.user(h.call("PUT", "users/"+made.UUID, `{"username": "Caroline"}`))
	if !back.Enabled {
		t.Error("the user is disabled still")
	}
	h.wantLogin("caroline", "x", http.StatusOK)
	h.wantLogin("caroline", "y", http.StatusUnauthorized)
	h.wantLogin("carol", "x", http.StatusUnauthorized)

	// The name that is free again goes to somebody else, and not back.
	other := h.user(h.call("POST", "users", `{"username": "carol", "password": "z"}`))
	h.wantLogin("carol", "z", http.StatusOK)
	got := h.call("PUT", "users/"+made.UUID, `{"username": "CAROL"}`)
	if got.status != http.StatusConflict {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := h.user(h.call("GET", "users/"+made.UUID, "")); *got.Username != "Caroline" {
		t.Errorf("%+v", got)
	}
	if got := h.call("PUT", "users/"+other.UUID, `{"username": 5}`); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	held := h.token(h.do("POST", "/0.1/token", `{"access_type": "offline", "client_id": "phone"}`, "Authorization", basic("carol:x")))
	h.awaitRefreshTokens("users/"+made.UUID+"/tokens", "phone")
	path := "users/" + made.UUID
	if got := h.call("HEAD", path, ""); got.status != http.StatusOK || got.body != "" {
		t.Errorf("HEAD: %d %s", got.status, got.body)
	}
	if got := h.call("DELETE", path, ""); got.status != http.StatusNoContent || got.body != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := h.do("HEAD", "/0.1/token/"+held.Token, ""); got.status != http.StatusNotFound {
		t.Errorf("the access token: %d", got.status)
	}
	unknown := apiError{Message: `No such user: "` + made.UUID + `"`, ErrorID: "unknown-user", Details: uuidDetails{made.UUID}, Resource: "users"}
	for method, body := range map[string]string{"DELETE": "", "GET": "", "PUT": "{}"} {
		wantAPIProblem(t, h.call(method, path, body), http.StatusNotFound, unknown)
	}
	wantAPIProblem(t, h.call("PUT", path+"/password", `{"old_password": "x", "new_password": "y"}`), http.StatusNotFound, unknown)
	if got := h.call("HEAD", path, ""); got.status != http.StatusNotFound {
		t.Errorf("HEAD: %d", got.status)
	}
	h.wantSessions(made.UUID, 0)
	// One who is made again is another one: no refresh token comes back.
	h.user(h.call("POST", "users", `{"username": "carol", "password": "x", "uuid": "`+made.UUID+`"}`))
	wantProblem(t, h.refresh("phone", held.RefreshToken), http.StatusUnauthorized, "Authentication Failed")
}

func TestUsers(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.user(h.call("POST", "users", `{"username": "Carol", "firstname": "Zoe", "email_address": "carol@example.com"}`))
	h.user(h.call("POST", "users", `{"username": "dan", "lastname": "Ash", "purpose": "internal", "enabled": false}`))
	for query, want := range map[string][]string{
		"":                                 {"alice", "Carol", "dan"},
		"?order=username&direction=desc":   {"dan", "Carol", "alice"},
		"?order=firstname&direction=desc":  {"Carol", "dan", "alice"},
		"?order=lastname&limit=1&offset=2": {"dan"},
		"?search=CAROL@":                   {"Carol"},
		"?search=ash":                      {"dan"},
		"?username=Carol":                  {"Carol"},
		"?purpose=internal":                {"dan"},
		"?enabled=false":                   {"dan"},
		"?uuid=" + subject:                 {"alice"},
	} {
		got := h.call("GET", "users"+query, "")
		var answer page[userItem]
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		var names []string
		for _, item := range answer.Items {
			names = append(names, *item.Username)
		}
		if diff := cmp.Diff(want, names); diff != "" || answer.Total != 3 {
			t.Errorf("users%s: total %d, %s", query, answer.Total, diff)
		}
	}
	for _, query := range []string{"?order=uuid", "?limit=-1", "?enabled=maybe"} {
		if got := h.call("GET", "users"+query, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, "invalid-list-param") {
			t.Errorf("users%s: %d %s", query, got.status, got.body)
		}
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	held := h.token(h.do("POST", "/0.1/token", `{"access_type": "offline", "client_id": "phone"}`, "Authorization", basic("carol:x")))
	path := "users/" + made.UUID + "/password"
	wrong := apiError{Message: "Authentication Failed", ErrorID: "authentication-failed", Resource: "users"}
	wantAPIProblem(t, h.call("PUT", path, `{"old_password": "wrong", "new_password": "y"}`), http.StatusUnauthorized, wrong)
	if got := h.call("PUT", path, `{"old_password": "x", "new_password": "y"}`); got.status != http.StatusNoContent || got.body != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	h.wantSessions(made.UUID, 0) // what is dead counts towards no limit
	h.wantLogin("carol", "y", http.StatusOK)
	h.wantLogin("carol", "x", http.StatusUnauthorized)
	if got := h.do("HEAD", "/0.1/token/"+held.Token, ""); got.status != http.StatusNotFound {
		t.Errorf("an access token from the old password: %d", got.status)
	}
	if got := h.refresh("phone", held.RefreshToken); got.status != http.StatusOK {
		t.Errorf("the refresh token: %d %s", got.status, got.body)
	}
	for name, body := range map[string]string{
		"no old one":       `{"new_password": "z"}`,
		"no new one":       `{"old_password": "y"}`,
		"an empty new one": `{"old_password": "y", "new_password": ""}`,
		"null":             `{"old_password": "y", "new_password": null}`,
		"a number":         `{"old_password": 1, "new_password": "z"}`,
	} {
		if got := h.call("PUT", path, body); got.status != http.StatusBadRequest || !strings.Contains(got.body, "invalid-data") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// The lockout of logins counts here too: past it the right password is as wrong as any other.
	for range 8 {
		wantAPIProblem(t, h.call("PUT", path, `{"old_password": "wrong", "new_password": "z"}`), http.StatusUnauthorized, wrong)
	}
	wantAPIProblem(t, h.call("PUT", path, `{"old_password": "y", "new_password": "z"}`), http.StatusUnauthorized, wrong)
	h.wantLogin("carol", "y", http.StatusTooManyRequests)
}

// What a person has made is not changed, not deleted, and gets no other password.
func TestUsersOfAPerson(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	applied := user("dora", func(u *v1alpha1.AuthUser) { u.Namespace, u.Spec.Subject = h.namespace, bobSubject })
	if err := h.client.Create(t.Context(), applied); err != nil {
		t.Fatal(err)
	}
	path := "users/" + bobSubject
	h.await(func(context.Context) error {
		if got := h.call("GET", path, ""); got.status != http.StatusOK {
			return errStatus(got.status)
		}
		return nil
	})
	managed := apiError{
		Message: "the AuthUser was applied, and is changed where it was applied from", ErrorID: "managed-externally", Resource: "users",
	}
	wantAPIProblem(t, h.call("PUT", path, `{"username": "x"}`), http.StatusForbidden, managed)
	wantAPIProblem(t, h.call("DELETE", path, ""), http.StatusForbidden, managed)
	wantAPIProblem(t, h.call("PUT", path+"/password", `{"old_password": "x", "new_password": "y"}`), http.StatusMethodNotAllowed, apiError{
		Message: "the password comes from a Secret that is not the endpoint's", ErrorID: "password-managed-externally", Resource: "users",
	})
	h.objectOf(bobSubject)
}

func TestHeadOfTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for path, want := range map[string]int{"users": http.StatusOK, "users?limit=1": http.StatusOK, "users?limit=x": http.StatusBadRequest} {
		if got := h.call("HEAD", path, ""); got.status != want || got.body != "" {
			t.Errorf("%s: %d %q, want %d", path, got.status, got.body, want)
		}
	}
}

// Whoever changes a user is recorded by the subject of their token, on each of the routes.
func TestWhoChangesAUserIsRecorded(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	var text bytes.Buffer
	log, err := audit.New(&text, clock.RealClock{}, cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.accounts.Audit = log
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "canary-1"}`))
	path := "users/" + made.UUID
	h.call("PUT", path, `{"username": "caroline"}`)
	h.call("PUT", path+"/password", `{"old_password": "canary-wrong", "new_password": "canary-2"}`)
	h.call("PUT", path+"/password", `{"old_password": "canary-1", "new_password": "canary-2"}`)
	h.call("DELETE", path, "")
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "canary") {
		t.Errorf("a password is in %s", text.String())
	}
	type told struct{ Event, Subject, By string }
	var got, want []told
	for line := range strings.Lines(text.String()) {
		var of told
		if err := json.Unmarshal([]byte(line), &of); err != nil {
			t.Fatal(err)
		}
		got = append(got, of)
	}
	for _, event := range []audit.Event{audit.UserCreated, audit.UserChanged, audit.PasswordRefused, audit.PasswordChanged, audit.UserDeleted} {
		want = append(want, told{string(event), made.UUID, subject})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}
