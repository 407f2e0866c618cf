package operator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

const clerkPassword = "canary-clerk-91d"

// clerk is a user who may do everything over wazo's routes, with a token.
type clerk struct {
	*caller
	token string
}

// clerkOf makes an installation of its own, with or without the right to write users, and logs in there.
func clerkOf(t *testing.T, name string, mayWrite bool) (*clerk, *scene) {
	t.Helper()
	plant("the clerk's password", clerkPassword)
	release := ownRelease(name)
	release.UserManagement = mayWrite
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	startReplica(t, options)
	s := sceneIn(release.Tenants[0])
	user := s.user(gen.Password(), gen.UserScopes("#"))
	s.apply(t, gen.PasswordSecret(user.Name, clerkPassword), user)
	c, g := s.client(), s.grant()
	s.apply(t, c, g)
	awaitReady(t, user, c, g)
	p := &clerk{caller: newCaller(t, secretOf(t, g))}
	answer := p.json(t, http.MethodPost, "/api/auth/0.1/token", user.Name, clerkPassword, `{}`, http.StatusOK)
	p.token = answer["data"].(map[string]any)["token"].(string)
	return p, s
}

// ask sends a request of the clerk's below /0.1 and wants a status.
func (p *clerk) ask(t *testing.T, method, path, body string, want int) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.issuer+"/0.1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Auth-Token", p.token)
	response, err := p.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s %s: %s %s, want %d", method, path, response.Status, text, want)
	}
	var answer map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return answer
}

// A user from the first request to the last one: made over HTTP, seen by kubectl, logged in, with a refresh
// token that is listed and deleted, and with another password.
func TestAUserOverHTTP(t *testing.T) {
	t.Parallel()
	const password, next = "canary-http-user-2b7", "canary-http-user-8c4"
	plant("the password of a user over HTTP", password)
	plant("the next one", next)
	p, s := clerkOf(t, "users", true)

	made := p.ask(t, http.MethodPost, "users", `{"username": "Carol", "email_address": "carol@example.com", "password": "`+password+`"}`, http.StatusOK)
	id := made["uuid"].(string)
	users := &v1alpha1.AuthUserList{}
	if err := admin.List(t.Context(), users, client.InNamespace(s.namespace), client.MatchingFields{"spec.subject": id}); err != nil || len(users.Items) != 1 {
		t.Fatalf("%d AuthUsers, %v", len(users.Items), err)
	}
	object := &users.Items[0]
	awaitReady(t, object)
	if object.Status.Username != "Carol" {
		t.Errorf("kubectl shows %q", object.Status.Username)
	}

	offline := `{"access_type": "offline", "client_id": "desk.phone"}`
	held := p.json(t, http.MethodPost, "/0.1/token", "carol", password, offline, http.StatusOK)["data"].(map[string]any)
	refresh := `{"client_id": "desk.phone", "refresh_token": "` + held["refresh_token"].(string) + `"}`
	p.json(t, http.MethodPost, "/0.1/token", "", "", refresh, http.StatusOK)
	controlplane.Eventually(t, patience, func(context.Context) error {
		if listed := p.ask(t, http.MethodGet, "users/"+id+"/tokens", "", http.StatusOK); listed["total"] != 1.0 {
			return fmt.Errorf("%v refresh tokens", listed["total"])
		}
		return nil
	})
	p.ask(t, http.MethodDelete, "users/"+id+"/tokens/desk.phone", "", http.StatusNoContent)
	if status, _ := p.send(t, http.MethodPost, "/0.1/token", "", "", "application/json", refresh); status != http.StatusUnauthorized {
		t.Errorf("the refresh token after its end: %d", status)
	}
	if status, _ := p.send(t, http.MethodGet, "/0.1/token/"+held["token"].(string), "", "", "application/json", ""); status != http.StatusNotFound {
		t.Errorf("an access token of it: %d", status)
	}

	p.ask(t, http.MethodPut, "users/"+id, `{"username": "caroline"}`, http.StatusOK)
	p.ask(t, http.MethodPut, "users/"+id+"/password", `{"old_password": "`+password+`", "new_password": "`+next+`"}`, http.StatusNoContent)
	p.json(t, http.MethodPost, "/0.1/token", "caroline", next, `{}`, http.StatusOK)
	if status, _ := p.send(t, http.MethodPost, "/0.1/token", "caroline", password, "application/json", `{}`); status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", status)
	}
	p.ask(t, http.MethodDelete, "users/"+id, "", http.StatusNoContent)
	p.ask(t, http.MethodDelete, "users/"+id, "", http.StatusNotFound)
	awaitGone(t, object)
}

// A user whom a person applied is left alone.
func TestAnAppliedUserIsNotChangedOverHTTP(t *testing.T) {
	t.Parallel()
	p, s := clerkOf(t, "applied", true)
	user := &v1alpha1.AuthUser{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: s.name("alice")}, user); err != nil {
		t.Fatal(err)
	}
	path := "users/" + user.Spec.Subject
	p.ask(t, http.MethodGet, path, "", http.StatusOK)
	for method, body := range map[string]string{http.MethodPut: `{}`, http.MethodDelete: ""} {
		if answer := p.ask(t, method, path, body, http.StatusForbidden); answer["error_id"] != "managed-externally" {
			t.Errorf("%s: %v", method, answer)
		}
	}
	answer := p.ask(t, http.MethodPut, path+"/password", `{"old_password": "`+clerkPassword+`", "new_password": "x"}`, http.StatusMethodNotAllowed)
	if answer["error_id"] != "password-managed-externally" {
		t.Errorf("the password: %v", answer)
	}
}

// Without the right to write users nothing of the dialect is missing but that, and the answer tells which
// setting gives it.
func TestUsersOverHTTPNeedTheRightToWriteThem(t *testing.T) {
	t.Parallel()
	p, _ := clerkOf(t, "readonly", false)
	answer := p.ask(t, http.MethodPost, "users", `{"username": "carol"}`, http.StatusForbidden)
	if message := answer["message"].(string); !strings.Contains(message, "userManagement.enabled") {
		t.Errorf("the answer is %v", answer)
	}
	if listed := p.ask(t, http.MethodGet, "users", "", http.StatusOK); listed["total"] != 1.0 {
		t.Errorf("%v users", listed["total"])
	}
}

// A password that was changed at one replica counts on the other, and so does a user who was made there.
func TestUsersOverHTTPOnAnotherReplica(t *testing.T) {
	t.Parallel()
	release := ownRelease("replicas-users")
	release.UserManagement = true
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	options.BaseURL = "https://localhost"
	options.Flags = append(options.Flags, "--serving-names=127.0.0.1")
	s := sceneIn(release.Tenants[0])
	user := s.user(gen.Password(), gen.UserScopes("#"))
	c, g := s.client(), s.grant()
	s.apply(t, gen.PasswordSecret(user.Name, clerkPassword), user, c, g)
	replicas := []*operator.Operator{startReplica(t, options), startReplica(t, options)}
	awaitReady(t, user, c, g)
	here := &clerk{caller: newCaller(t, secretOf(t, g))}
	here.issuer = replicas[0].URL
	there := &caller{http: here.http, issuer: replicas[1].URL}
	answer := here.json(t, http.MethodPost, "/0.1/token", user.Name, clerkPassword, `{}`, http.StatusOK)
	here.token = answer["data"].(map[string]any)["token"].(string)

	made := here.ask(t, http.MethodPost, "users", `{"username": "carol", "password": "the old one"}`, http.StatusOK)
	logsIn := func(password string, want int) func() bool {
		return func() bool {
			status, _ := there.send(t, http.MethodPost, "/0.1/token", "carol", password, "application/json", `{}`)
			return status == want
		}
	}
	eventually(t, "the other replica knows the user", logsIn("the old one", http.StatusOK))
	here.ask(t, http.MethodPut, "users/"+made["uuid"].(string)+"/password", `{"old_password": "the old one", "new_password": "the new one"}`, http.StatusNoContent)
	eventually(t, "the other replica knows the new password", logsIn("the new one", http.StatusOK))
	if !logsIn("the old one", http.StatusUnauthorized)() {
		t.Error("the old password is good on the other replica")
	}
}
