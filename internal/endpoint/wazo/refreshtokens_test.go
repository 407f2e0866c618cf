package wazo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

const bobSubject = "0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e"

// bob is another user, with alice's password.
func bob() *v1alpha1.AuthUser {
	return user("bob", func(u *v1alpha1.AuthUser) { u.Spec.Subject = bobSubject })
}

// refreshTokens lists the client_ids at a path.
func (h *tenant) refreshTokens(path string) []string {
	h.Helper()
	got := h.call("GET", path, "")
	if got.status != http.StatusOK {
		h.Fatalf("%d %s", got.status, got.body)
	}
	var answer page[refreshTokenItem]
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		h.Fatal(err)
	}
	ids := []string{}
	for _, item := range answer.Items {
		ids = append(ids, item.ClientID)
	}
	return ids
}

// awaitRefreshTokens waits until the directory knows of these.
func (h *tenant) awaitRefreshTokens(path string, want ...string) {
	h.Helper()
	h.await(func(context.Context) error {
		if got := h.refreshTokens(path); !slices.Equal(got, want) {
			return fmt.Errorf("%s lists %q, want %q", path, got, want)
		}
		return nil
	})
}

func (h *tenant) offlineAs(login, clientID string) issued {
	h.Helper()
	return h.token(h.do("POST", "/0.1/token", `{"access_type": "offline", "client_id": "`+clientID+`"}`, "Authorization", basic(login+":"+password)))
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	h.offline("phone")
	h.offline("Desk", "Wazo-Session-Type", "mobile")
	h.offlineAs("bob", "desk")
	h.login(`{}`) // gives none
	applied := gen.RefreshTokenGrant("applied", gen.ForWazo("applied"))
	h.put(applied)
	h.put(gen.RefreshTokenGrant("of-oauth"))
	h.put(gen.RefreshTokenGrant("of-nobody", gen.ForWazo("nobody"), gen.ForUser("nobody")))
	h.put(gen.RefreshTokenGrant("revoked", gen.ForWazo("revoked"), gen.GrantState(v1alpha1.GrantStateRevoked)))
	h.awaitRefreshTokens("tokens?order=client_id", "applied", "Desk", "desk", "phone")

	for name, tc := range map[string]struct {
		path string
		want []string
	}{
		"those of a user":                {"users/" + bobSubject + "/tokens", []string{"desk"}},
		"those of the caller":            {"users/me/tokens?order=client_id", []string{"applied", "Desk", "phone"}},
		"a search":                       {"tokens?search=DES&order=client_id", []string{"Desk", "desk"}},
		"an exact client_id":             {"tokens?client_id=desk", []string{"desk"}},
		"mobile ones":                    {"tokens?mobile=True", []string{"Desk"}},
		"of a user among all":            {"tokens?user_uuid=" + bobSubject, []string{"desk"}},
		"of the tenant and all below it": {"tokens?recurse=true&order=client_id&limit=1", []string{"applied"}},
		"a page":                         {"tokens?order=client_id&direction=desc&limit=2&offset=1", []string{"desk", "Desk"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, h.in(t).refreshTokens(tc.path)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("mobile that is no truth", func(t *testing.T) {
		t.Parallel()
		wantAPIProblem(t, h.in(t).call("GET", "tokens?mobile=foo", ""), http.StatusBadRequest, apiError{
			Message: "mobile: must be true or false", ErrorID: "invalid-list-param", Resource: "users",
			Details: map[string]constraint{"mobile": {Message: "must be true or false"}},
		})
	})
	t.Run("of a user that is not there", func(t *testing.T) {
		t.Parallel()
		unknown := "88204f50-0fe8-4163-a90f-9ff867468997"
		wantAPIProblem(t, h.in(t).call("GET", "users/"+unknown+"/tokens", ""), http.StatusNotFound, apiError{
			Message: `No such user: "` + unknown + `"`, ErrorID: "unknown-user", Details: uuidDetails{unknown}, Resource: "users",
		})
	})
}

// A refresh token that is deleted takes everything with it that was made from it, at once; it is the same
// as to delete the object.
func TestDeleteRefreshToken(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(bob())
	first := h.offline("my.phone")
	refreshed := h.token(h.refresh("my.phone", first.RefreshToken))
	desk, other := h.offline("desk"), h.offlineAs("bob", "my.phone")
	h.awaitRefreshTokens("tokens?order=created_at&client_id=my.phone", "my.phone", "my.phone")

	got := h.do("DELETE", "/0.1/users/me/tokens/my.phone", "", "X-Auth-Token", h.caller("auth.users.me.tokens.my_phone.delete"))
	if got.status != http.StatusNoContent || got.body != "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, token := range []string{first.Token, refreshed.Token} {
		if got := h.do("HEAD", "/0.1/token/"+token, ""); got.status != http.StatusNotFound {
			t.Errorf("an access token of it: %d", got.status)
		}
	}
	wantProblem(t, h.refresh("my.phone", first.RefreshToken), http.StatusUnauthorized, "Authentication Failed")
	grants := &v1alpha1.RefreshTokenGrantList{}
	if err := h.client.List(t.Context(), grants); err != nil {
		t.Fatal(err)
	}
	for _, g := range grants.Items {
		if g.Namespace == h.namespace && g.Spec.ClientID == "my.phone" && g.Spec.UserRef.Name == "alice" {
			t.Errorf("the grant %q is still there", g.Name)
		}
	}
	unknown := apiError{
		Message: `unknown refresh_token for client_id "my.phone"`, ErrorID: "cannot-find-refresh-token-matching-client-id",
		Details: clientDetails{"my.phone"}, Resource: "tokens",
	}
	wantAPIProblem(t, h.call("DELETE", "users/"+strings.ToUpper(subject)+"/tokens/my.phone", ""), http.StatusNotFound, unknown)
	h.awaitRefreshTokens("users/me/tokens", "desk")
	for clientID, refreshToken := range map[string]string{"desk": desk.RefreshToken, "my.phone": other.RefreshToken} {
		if got := h.refresh(clientID, refreshToken); got.status != http.StatusOK {
			t.Errorf("another refresh token: %d %s", got.status, got.body)
		}
	}
}

// One that another replica has just given is found past memory.
func TestDeleteRefreshTokenBehindMemory(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.offline("phone")
	h.awaitRefreshTokens("users/me/tokens", "phone")
	name := ""
	for _, g := range h.rows().Grants() {
		name = g.Name
		h.directory.Remove(g.RefreshTokenGrant)
	}
	if got := h.call("DELETE", "users/me/tokens/phone", ""); got.status != http.StatusNoContent {
		t.Fatalf("%d %s", got.status, got.body)
	}
	h.wantDead("phone", held.RefreshToken)
	if err := h.client.Get(t.Context(), types.NamespacedName{Namespace: h.namespace, Name: name}, &v1alpha1.RefreshTokenGrant{}); err == nil {
		t.Error("the grant is still there")
	}
}

// What a person applied or stopped is a person's to end.
func TestDeleteRefreshTokenOfAPerson(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(gen.RefreshTokenGrant("applied", gen.ForWazo("desk")))
	h.offline("phone")
	h.awaitRefreshTokens("users/me/tokens?order=client_id", "desk", "phone")
	for _, g := range h.rows().Grants() {
		if g.EndpointMade() {
			stopped := g.DeepCopy()
			stopped.Spec.State = v1alpha1.GrantStateSuspended
			if err := h.client.Update(t.Context(), stopped); err != nil {
				t.Fatal(err)
			}
			h.put(stopped)
		}
	}
	for _, clientID := range []string{"desk", "phone"} {
		got := h.call("DELETE", "users/me/tokens/"+clientID, "")
		wantAPIProblem(t, got, http.StatusForbidden, apiError{
			Message: "The refresh token is of a RefreshTokenGrant that a person applied or changed: it is ended there",
			ErrorID: "managed-externally", Resource: "tokens",
		})
	}
	if diff := cmp.Diff([]string{"desk", "phone"}, h.refreshTokens("users/me/tokens?order=client_id")); diff != "" {
		t.Error(diff)
	}
}

// awayGrants is an API server that neither tells of grants nor takes any.
type awayGrants struct{ issuing.Live }

func (awayGrants) Grant(context.Context, string, string) (*v1alpha1.RefreshTokenGrant, error) {
	return nil, errOutage
}

func TestDeleteRefreshTokenInAnOutage(t *testing.T) {
	t.Parallel()
	h := newTenant(t, func(c *issuing.Config) { c.Live = awayGrants{c.Live} })
	wantAPIProblem(t, h.call("DELETE", "users/me/tokens/phone", ""), http.StatusServiceUnavailable,
		apiError{Message: "The service cannot answer now", ErrorID: "service-unavailable"})
}
