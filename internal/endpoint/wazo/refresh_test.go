package wazo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// offline logs in for later use.
func (h *tenant) offline(clientID string, headers ...string) issued {
	h.Helper()
	return h.token(h.login(`{"access_type": "offline", "client_id": "`+clientID+`"}`, headers...))
}

func (h *tenant) refresh(clientID, refreshToken string, headers ...string) reply {
	h.Helper()
	return h.do("POST", "/0.1/token", `{"client_id": "`+clientID+`", "refresh_token": "`+refreshToken+`"}`, headers...)
}

// wantDead wants a refresh token to stop working, as soon as the directory knows.
func (h *tenant) wantDead(clientID, refreshToken string) {
	h.Helper()
	h.await(func(context.Context) error {
		if got := h.refresh(clientID, refreshToken); got.status != http.StatusUnauthorized {
			return errStatus(got.status)
		}
		return nil
	})
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	first := h.offline("phone")
	for name, headers := range map[string][]string{
		"without credentials":     nil,
		"beside right ones":       {"Authorization", basic("alice:" + password)},
		"beside wrong ones":       {"Authorization", basic("alice:wrong")},
		"beside malformed ones":   {"Authorization", "Basic %%%"},
		"beside another scheme":   {"Authorization", "Bearer x"},
		"in a mobile session":     {"Wazo-Session-Type", "mobile"},
		"with its own User-Agent": {"User-Agent", "another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.refresh("phone", first.RefreshToken, headers...)
			next := h.token(got)
			if strings.Contains(got.body, `"refresh_token"`) {
				t.Errorf("a refresh gives no refresh token: %s", got.body)
			}
			if next.Token == first.Token || next.SessionUUID == first.SessionUUID {
				t.Error("a refresh makes a new token and a new session")
			}
			if revoked := got.header.Get("Wazo-Sessions-Revoked"); revoked != "0" {
				t.Errorf("%q sessions revoked", revoked)
			}
			h.wantStatus(http.StatusNoContent, next.Token)
			h.wantStatus(http.StatusNoContent, first.Token)
		})
	}
}

func TestRefreshFails(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held, other := h.offline("phone"), h.offline("desk")
	id, rest, _ := strings.Cut(held.RefreshToken, ".")
	for name, tc := range map[string]struct{ clientID, refreshToken string }{
		"for another client_id":                {"desk", held.RefreshToken},
		"for a client_id in another case":      {"Phone", held.RefreshToken},
		"for the other's with this client_id":  {"phone", other.RefreshToken},
		"with an empty token":                  {"phone", ""},
		"with an access token":                 {"phone", held.Token},
		"with a UUID that nobody has made":     {"phone", "353fefa1-d013-4633-a7d3-c6cb574ddc26"},
		"with a token that is cut off":         {"phone", held.RefreshToken[:len(held.RefreshToken)-1]},
		"with a token in another case":         {"phone", strings.ToUpper(id) + "." + rest},
		"with a token and a space behind":      {"phone", held.RefreshToken + " "},
		"with the epoch that was never":        {"phone", id + ".2" + rest[1:]},
		"with more than any token has":         {"phone", strings.Repeat("x", 10000)},
		"with a text that is no token at all":  {"phone", "\\u0000"},
		"with a token of another installation": {"phone", "00000000-0000-4000-8000-000000000000.1.1.1." + strings.Repeat("A", 43)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			got := h.refresh(tc.clientID, tc.refreshToken, "Authorization", basic("alice:"+password))
			wantProblem(t, got, http.StatusUnauthorized, "Authentication Failed")
		})
	}
}

func TestRefreshInAnotherTenant(t *testing.T) {
	t.Parallel()
	h, other := newTenant(t), newTenant(t)
	held := h.offline("phone")
	wantProblem(t, other.refresh("phone", held.RefreshToken), http.StatusUnauthorized, "Authentication Failed")
	h.put(speaks(v1alpha1.DialectWazo)) // to other's server this is not the default tenant
	h.token(other.do("POST", "/t/"+h.namespace+"/0.1/token", `{"client_id": "phone", "refresh_token": "`+held.RefreshToken+`"}`))
}

func TestRefreshFindsTheUserOfToday(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.offline("phone")
	h.put(user("alice", func(u *v1alpha1.AuthUser) { u.Spec.Scopes = []string{"new.#"} }))
	if acl := h.token(h.refresh("phone", held.RefreshToken)).ACL; !slices.Equal(acl, []string{"new.#"}) {
		t.Errorf("the acl is %q", acl)
	}
	if before := user("alice").Spec.Scopes; !slices.Equal(held.ACL, before) {
		t.Errorf("the acl of the login is %q", held.ACL)
	}
}

func TestRefreshTokenLife(t *testing.T) {
	t.Parallel()
	disabled := func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateDisabled }
	for name, tc := range map[string]struct {
		event         func(*tenant, issued)
		access        int // what HEAD of the access token says afterwards
		refresh       int // what a refresh says afterwards
		refreshInTime int // and once the user is enabled
	}{
		"the refresh token is deleted: it dies, and so do its access tokens": {
			func(h *tenant, held issued) { h.deleteGrant(held) }, 404, 401, 401,
		},
		"the access token is deleted: the refresh token works": {
			func(h *tenant, held issued) { h.do("DELETE", "/0.1/token/"+held.Token, "") }, 404, 200, 200,
		},
		"the password changes: access tokens die, the refresh token works": {
			func(h *tenant, _ issued) { h.put(passwordSecret("alice-password", "another")) }, 404, 200, 200,
		},
		"the user is disabled: everything waits": {
			func(h *tenant, _ issued) { h.put(user("alice", disabled)) }, 404, 401, 200,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			held := h.offline("phone")
			h.wantStatus(http.StatusNoContent, held.Token)
			tc.event(h, held)
			h.wantStatus(tc.access, held.Token)
			h.await(func(context.Context) error {
				if got := h.refresh("phone", held.RefreshToken); got.status != tc.refresh {
					return errStatus(got.status)
				}
				return nil
			})
			h.put(user("alice"))
			if got := h.refresh("phone", held.RefreshToken); got.status != tc.refreshInTime {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

// A token that is bound to no password would outlive every change of it.
func TestRefreshWithoutAPassword(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.offline("phone")
	secret := passwordSecret("alice-password", password)
	secret.Namespace = h.namespace
	h.directory.Remove(secret)
	wantProblem(t, h.refresh("phone", held.RefreshToken), http.StatusServiceUnavailable, "The service cannot answer now")
	h.put(user("alice", func(u *v1alpha1.AuthUser) { u.Spec.Password = nil }))
	wantProblem(t, h.refresh("phone", held.RefreshToken), http.StatusUnauthorized, "Authentication Failed")
	h.put(secret)
	h.put(user("alice"))
	h.token(h.refresh("phone", held.RefreshToken))
}

// What the grant says of its tokens' life is the most that a client may ask for.
func TestRefreshLifetime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		own  *v1alpha1.GrantAccessToken
		asks string
		want time.Duration
	}{
		"a grant without a ttl gives what is asked":           {nil, "86400", 24 * time.Hour},
		"a grant that says no more than a format does so too": {&v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}, "86400", 24 * time.Hour},
		"a grant gives no more than its ttl":                  {&v1alpha1.GrantAccessToken{TTL: ptr.To[v1alpha1.Duration]("10m")}, "86400", 10 * time.Minute},
		"a grant gives less where less is asked":              {&v1alpha1.GrantAccessToken{TTL: ptr.To[v1alpha1.Duration]("10m")}, "60", time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			applied := gen.RefreshTokenGrant("applied", gen.ForWazo("desk"), gen.DeliversRefreshToken())
			applied.Spec.AccessToken = tc.own
			h.put(applied)
			token, err := issuing.DeliveredRefreshToken(keystest.Ring(t, h.namespace, issuer), &directory.Grant{RefreshTokenGrant: applied})
			if err != nil {
				t.Fatal(err)
			}
			got := h.token(h.do("POST", "/0.1/token", `{"client_id": "desk", "refresh_token": "`+token.Reveal()+`", "expiration": `+tc.asks+`}`))
			if want := begin.Truncate(time.Second).Add(tc.want).Format("2006-01-02T15:04:05.000000"); got.UTCExpiresAt != want {
				t.Errorf("expires at %s, want %s", got.UTCExpiresAt, want)
			}
		})
	}
}

// grantOf finds the grant of a refresh token.
func (h *tenant) grantOf(held issued) *v1alpha1.RefreshTokenGrant {
	h.Helper()
	id, _, _ := strings.Cut(held.RefreshToken, ".")
	grants := &v1alpha1.RefreshTokenGrantList{}
	if err := h.client.List(h.Context(), grants, client.InNamespace(h.namespace), client.MatchingFields{"spec.id": id}); err != nil || len(grants.Items) != 1 {
		h.Fatalf("%d grants: %v", len(grants.Items), err)
	}
	return &grants.Items[0]
}

func (h *tenant) deleteGrant(held issued) {
	h.Helper()
	if err := h.client.Delete(h.Context(), h.grantOf(held)); err != nil {
		h.Fatal(err)
	}
}

func TestOfflineAgain(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	first := h.offline("phone")
	again := h.offline("phone")
	if again.RefreshToken != first.RefreshToken {
		t.Error("the same client_id gets the same refresh token")
	}
	if again.Token == first.Token || again.SessionUUID == first.SessionUUID {
		t.Error("a login makes a new token and a new session")
	}
	if other := h.offline("desk"); other.RefreshToken == first.RefreshToken {
		t.Error("another client_id gets another refresh token")
	}
	h.wantStatus(http.StatusNoContent, first.Token)
	h.token(h.refresh("phone", first.RefreshToken))
}

// mobile is a mobile offline login, after the directory has caught up with those before.
func (h *tenant) mobile(clientID string, wantRevoked int) issued {
	h.Helper()
	got := h.login(`{"access_type": "offline", "client_id": "`+clientID+`"}`, "Wazo-Session-Type", "mobile")
	if revoked := got.header.Get("Wazo-Sessions-Revoked"); revoked != fmt.Sprint(wantRevoked) {
		h.Errorf("%s sessions revoked, want %d", revoked, wantRevoked)
	}
	return h.token(got)
}

// known waits until the directory knows as many live sessions of the user.
func (h *tenant) known(sessions int) {
	h.Helper()
	h.await(func(context.Context) error {
		if held := len(h.rows().SessionsOfSubject(subject)); held != sessions {
			return fmt.Errorf("%d sessions", held)
		}
		return nil
	})
}

func TestMobileAgain(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	first := h.mobile("phone", 0)
	next := h.token(h.refresh("phone", first.RefreshToken))
	h.known(2)
	again := h.mobile("phone", 2)
	if again.RefreshToken == first.RefreshToken {
		t.Error("a mobile login gets a new refresh token")
	}
	h.wantDead("phone", first.RefreshToken)
	h.wantStatus(http.StatusNotFound, first.Token)
	h.wantStatus(http.StatusNotFound, next.Token)
	h.wantStatus(http.StatusNoContent, again.Token)
	h.token(h.refresh("phone", again.RefreshToken))
}

// A phone that logs in over and over, faster than the watch, is let in each time.
func TestMobileInARow(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	seen := map[string]bool{h.offline("phone").RefreshToken: true}
	var last issued
	for range 6 {
		got := h.login(`{"access_type": "offline", "client_id": "phone"}`, "Wazo-Session-Type", "mobile")
		last = h.token(got)
		seen[last.RefreshToken] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d refresh tokens of 7 logins", len(seen))
	}
	h.wantStatus(http.StatusNoContent, last.Token)
	h.token(h.refresh("phone", last.RefreshToken))
}

// The same where memory still shows the grant as it was before the last login.
func TestMobileBehindMemory(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string][]string{"first mobile": {"Wazo-Session-Type", "mobile"}, "first not mobile": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			first := h.offline("phone", headers...)
			stale := h.grantOf(first)
			second := h.offline("phone", "Wazo-Session-Type", "mobile")
			current := h.grantOf(second)
			h.await(func(context.Context) error {
				if g, ok := h.rows().Grant(current.Name); !ok || g.ResourceVersion != current.ResourceVersion {
					return errors.New("the directory does not know the second login")
				}
				return nil
			})
			h.put(stale)
			third := h.offline("phone", "Wazo-Session-Type", "mobile")
			h.wantDead("phone", first.RefreshToken)
			h.wantDead("phone", second.RefreshToken)
			h.wantStatus(http.StatusNotFound, second.Token)
			h.wantStatus(http.StatusNoContent, third.Token)
			h.token(h.refresh("phone", third.RefreshToken))
		})
	}
}

func TestMobileEndsOtherMobileLogins(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	phone, desk := h.mobile("phone", 0), h.offline("desk")
	h.known(2)
	tablet := h.mobile("tablet", 1)
	h.wantDead("phone", phone.RefreshToken)
	h.wantStatus(http.StatusNotFound, phone.Token)
	h.wantStatus(http.StatusNoContent, desk.Token)
	h.token(h.refresh("desk", desk.RefreshToken))
	h.token(h.refresh("tablet", tablet.RefreshToken))
}

// A client_id that was not mobile and now is counts as mobile from then on.
func TestMobileAfterNot(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	plain := h.offline("phone")
	h.known(1)
	phone := h.mobile("phone", 1)
	if phone.RefreshToken == plain.RefreshToken {
		t.Error("a mobile login gets a new refresh token")
	}
	h.wantDead("phone", plain.RefreshToken)
	h.wantStatus(http.StatusNotFound, plain.Token)
	h.await(func(context.Context) error {
		if grants := h.rows().EndpointGrants(subject); len(grants) != 1 || !grants[0].Spec.Login.Mobile {
			return errors.New("the directory does not know the new grant")
		}
		return nil
	})
	h.known(1)
	h.mobile("tablet", 1)
	h.wantDead("phone", phone.RefreshToken)
}

// A login that is refused leaves everything as it was.
func TestMobileWithoutRoom(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.mobile("phone", 0)
	h.known(1)
	one := int32(1)
	h.put(user("alice", func(u *v1alpha1.AuthUser) { u.Spec.MaxSessions = &one }))
	for _, clientID := range []string{"phone", "tablet"} {
		got := h.login(`{"access_type": "offline", "client_id": "`+clientID+`"}`, "Wazo-Session-Type", "mobile")
		wantProblem(t, got, http.StatusTooManyRequests, "there are too many live sessions")
	}
	h.clock.SetTime(begin.Add(3 * time.Hour))
	h.token(h.refresh("phone", held.RefreshToken))
}

// The same where no grant is left, or the one that stands there may not be used.
func TestMobileRefusedForItsGrant(t *testing.T) {
	t.Parallel()
	one := int32(1)
	for name, tc := range map[string]struct {
		prepare func(*tenant)
		status  int
		reason  string
	}{
		"the user has too many grants": {func(h *tenant) {
			h.grants(2)
			h.put(user("alice", func(u *v1alpha1.AuthUser) { u.Spec.MaxGrants = &one }))
		}, http.StatusTooManyRequests, "the user has too many grants"},
		"the grant is suspended": {func(h *tenant) {
			suspended := h.grantOf(h.offline("tablet"))
			suspended.Spec.State = v1alpha1.GrantStateSuspended
			if err := h.client.Update(h.Context(), suspended); err != nil {
				h.Fatal(err)
			}
			h.await(func(context.Context) error {
				if g, ok := h.rows().Grant(suspended.Name); !ok || g.ResourceVersion != suspended.ResourceVersion {
					return errors.New("the directory does not know that it is suspended")
				}
				return nil
			})
		}, http.StatusUnauthorized, "Authentication Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			h.offline("desk")
			phone := h.mobile("phone", 0)
			tc.prepare(h)
			got := h.login(`{"access_type": "offline", "client_id": "tablet"}`, "Wazo-Session-Type", "mobile")
			wantProblem(t, got, tc.status, tc.reason)
			h.grantOf(phone)
			h.wantStatus(http.StatusNoContent, phone.Token)
			h.token(h.refresh("phone", phone.RefreshToken))
		})
	}
}

// grants waits until the directory knows as many grants of the user's logins.
func (h *tenant) grants(want int) {
	h.Helper()
	h.await(func(context.Context) error {
		if held := len(h.rows().EndpointGrants(subject)); held != want {
			return fmt.Errorf("%d grants", held)
		}
		return nil
	})
}

// The grants that a mobile login ends make room for its own.
func TestMobileTakesTheRoomOfWhatItEnds(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	one := int32(1)
	h.put(user("alice", func(u *v1alpha1.AuthUser) { u.Spec.MaxGrants = &one }))
	phone := h.mobile("phone", 0)
	h.grants(1)
	h.known(1)
	tablet := h.mobile("tablet", 1)
	h.wantDead("phone", phone.RefreshToken)
	h.token(h.refresh("tablet", tablet.RefreshToken))
}

// A grant that somebody applied under the name of one that memory still shows is theirs.
func TestMobileLeavesAnAppliedGrantAlone(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	held := h.grantOf(h.offline("phone"))
	stale := held.DeepCopy()
	if err := h.client.Delete(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	applied := gen.RefreshTokenGrant(held.Name, gen.ForWazo("phone"))
	applied.Namespace = h.namespace
	if err := h.client.Create(t.Context(), applied); err != nil {
		t.Fatal(err)
	}
	h.await(func(context.Context) error {
		if g, ok := h.rows().Grant(applied.Name); !ok || g.UID != applied.UID {
			return errors.New("the directory does not know the applied grant")
		}
		return nil
	})
	h.put(stale)
	got := h.login(`{"access_type": "offline", "client_id": "phone"}`, "Wazo-Session-Type", "mobile")
	wantProblem(t, got, http.StatusUnauthorized, "Authentication Failed")
	left := &v1alpha1.RefreshTokenGrant{}
	if err := h.client.Get(t.Context(), client.ObjectKeyFromObject(applied), left); err != nil || left.ResourceVersion != applied.ResourceVersion {
		t.Errorf("the applied grant changed: %v", err)
	}
}
