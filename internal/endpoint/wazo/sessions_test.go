package wazo

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// sessions lists the sessions at a path.
func (h *tenant) sessions(path string) []sessionItem {
	h.Helper()
	got := h.call("GET", path, "")
	if got.status != http.StatusOK {
		h.Fatalf("%d %s", got.status, got.body)
	}
	var answer page[sessionItem]
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		h.Fatal(err)
	}
	return answer.Items
}

// awaitSessions waits until the directory knows of these.
func (h *tenant) awaitSessions(path string, want ...string) {
	h.Helper()
	slices.Sort(want)
	h.await(func(context.Context) error {
		var ids []string
		for _, session := range h.sessions(path) {
			ids = append(ids, session.UUID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, want) {
			return fmt.Errorf("%s lists %q, want %q", path, ids, want)
		}
		return nil
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	online, mobile := h.token(h.login(`{}`)), h.token(h.login(`{}`, "Wazo-Session-Type", "mobile"))
	other := h.token(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("bob:"+password)))
	h.awaitSessions("sessions", online.SessionUUID, mobile.SessionUUID, other.SessionUUID)
	h.awaitSessions("users/me/sessions", online.SessionUUID, mobile.SessionUUID)
	h.awaitSessions("users/"+bobSubject+"/sessions", other.SessionUUID)
	h.awaitSessions("sessions?mobile=true", mobile.SessionUUID)
	h.awaitSessions("sessions?limit=1&order=mobile&direction=desc", mobile.SessionUUID)
	h.awaitSessions("sessions?user_uuid="+strings.ToUpper(bobSubject), other.SessionUUID)
	want := sessionItem{UUID: other.SessionUUID, TenantUUID: h.jwtTenant(), UserUUID: bobSubject}
	if got := h.sessions("users/" + bobSubject + "/sessions"); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	for _, path := range []string{"sessions?order=created_at", "users/me/sessions?limit=x"} {
		if got := h.call("GET", path, ""); got.status != http.StatusBadRequest || !strings.Contains(got.body, `"resource":"users"`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	const nobody = "88204f50-0fe8-4163-a90f-9ff867468997"
	unknown := apiError{Message: `No such user: "` + nobody + `"`, ErrorID: "unknown-user", Details: uuidDetails{nobody}, Resource: "users"}
	wantAPIProblem(t, h.call("GET", "users/"+nobody+"/sessions", ""), http.StatusNotFound, unknown)
	wantAPIProblem(t, h.call("DELETE", "users/"+nobody+"/sessions/"+online.SessionUUID, ""), http.StatusNotFound, unknown)
}

// A session that is deleted takes its token with it, at once, and the refresh token stays. To delete it
// again is as good.
func TestDeleteSession(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	first, second, third := h.offline("phone"), h.token(h.login(`{}`)), h.token(h.login(`{}`))
	for token, path := range map[string]string{
		first.Token:  "sessions/" + first.SessionUUID,
		second.Token: "users/me/sessions/" + strings.ToUpper(second.SessionUUID),
		third.Token:  "users/" + subject + "/sessions/" + third.SessionUUID,
	} {
		id := path[strings.LastIndex(path, "/")+1:]
		h.await(func(context.Context) error {
			if slices.ContainsFunc(h.sessions("sessions"), func(s sessionItem) bool { return strings.EqualFold(s.UUID, id) }) {
				return nil
			}
			return fmt.Errorf("the session %s is not listed", id)
		})
		for range 2 {
			if got := h.call("DELETE", path, ""); got.status != http.StatusNoContent || got.body != "" {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		if got := h.do("HEAD", "/0.1/token/"+token, ""); got.status != http.StatusNotFound {
			t.Errorf("the token of %s: %d", path, got.status)
		}
	}
	if got := h.refresh("phone", first.RefreshToken); got.status != http.StatusOK {
		t.Errorf("the refresh token: %d %s", got.status, got.body)
	}
	if got := h.call("DELETE", "sessions/"+gone, ""); got.status != http.StatusNoContent {
		t.Errorf("a session that was never there: %d %s", got.status, got.body)
	}
}

// Nobody ends a session through the address of another user.
func TestDeleteAnothersSession(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	other := h.token(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("bob:"+password)))
	h.awaitSessions("sessions", other.SessionUUID)
	for _, owner := range []string{"me", subject} {
		got := h.call("DELETE", "users/"+owner+"/sessions/"+other.SessionUUID, "")
		wantAPIProblem(t, got, http.StatusNotFound, apiError{
			Message: `No such session: "` + other.SessionUUID + `"`, ErrorID: "unknown-session", Details: uuidDetails{other.SessionUUID}, Resource: "sessions",
		})
	}
	if got := h.do("HEAD", "/0.1/token/"+other.Token, ""); got.status != http.StatusNoContent {
		t.Errorf("the token: %d", got.status)
	}
}

// Where tokens are JWTs, the id of the session is all that there is of it.
func TestDeleteSessionOfAJWT(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		jwts bool
		path string
		want int
		dead bool
	}{
		"the tenant's JWT":                              {true, "sessions/", http.StatusNoContent, true},
		"one's own, which nothing tells":                {true, "users/me/sessions/", http.StatusNotFound, false},
		"what is none where there are reference tokens": {false, "sessions/", http.StatusNoContent, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			if tc.jwts {
				h.put(&v1alpha1.AuthTenant{
					ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.TenantName},
					Spec: v1alpha1.AuthTenantSpec{Defaults: &v1alpha1.TenantDefaults{
						WazoAccessToken: &v1alpha1.TenantWazoAccessToken{Format: v1alpha1.TokenFormatJWT},
					}},
				})
			}
			token := h.jwt(tokens.Wazo, func(a *tokens.Access) { a.ID = gone })
			for range 2 {
				if got := h.call("DELETE", tc.path+gone, ""); got.status != tc.want {
					t.Errorf("%d %s, want %d", got.status, got.body, tc.want)
				}
			}
			status := h.do("HEAD", "/0.1/token/"+token, "").status
			if dead := status == http.StatusNotFound; dead != tc.dead {
				t.Errorf("the token: %d", status)
			}
			revocations := &v1alpha1.TokenRevocationList{}
			if err := h.client.List(t.Context(), revocations, client.InNamespace(h.namespace)); err != nil {
				t.Fatal(err)
			}
			var ends []time.Time
			for _, revocation := range revocations.Items {
				ends = append(ends, revocation.Spec.ExpiresAt.UTC())
			}
			var want []time.Time
			if tc.dead {
				want = []time.Time{begin.Truncate(time.Second).Add(24 * time.Hour)}
			}
			if diff := cmp.Diff(want, ends); diff != "" {
				t.Errorf("revocations end (-want +got):\n%s", diff)
			}
		})
	}
}

// gone is a session that nobody has stored.
const gone = "88204f50-0fe8-4163-a90f-9ff867468997"

// What the other dialect made is neither there nor ended.
func TestDeleteSessionOfTheOtherDialect(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	ring := keystest.Ring(t, h.namespace, issuer)
	token, err := tokens.NewReference(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := begin.Truncate(time.Second)
	access := &tokens.Access{
		Dialect: tokens.OAuth2, Issuer: issuer, Audiences: []string{issuer}, Subject: subject, ClientID: "billing", Scopes: []string{"orders:read"},
		ID: gone, IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(time.Hour),
	}
	name, sealed, err := tokens.SealSession(cryptorand.Reader, ring, token, access)
	if err != nil {
		t.Fatal(err)
	}
	session := &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: name},
		Spec: v1alpha1.AuthSessionSpec{
			ID: gone, Subject: subject, ClientID: access.ClientID, ExpiresAt: metav1.NewTime(access.ExpiresAt), Sealed: sealed,
		},
	}
	if err := h.client.Create(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"sessions/" + gone, "users/me/sessions/" + gone} {
		if got := h.call("DELETE", path, ""); got.status != http.StatusNoContent {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	h.wantSessions(subject, 1)
}
