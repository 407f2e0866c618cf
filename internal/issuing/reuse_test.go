package issuing_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// forget takes from memory what shows that a code was used, as if another replica had just redeemed it.
func forget(t *testing.T, x *tenant.OnAPIServer, presented issuing.Redemption) {
	t.Helper()
	code, err := tokens.OpenCode(x.Ring, presented.Code.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	x.Await(t, "memory has what shows that the code was used", func() bool {
		return len(x.Rows(t).Grants()) > 0 || x.Rows(t).Revoked(code.MarkerName())
	})
	var traces []client.Object
	if g, ok := x.Rows(t).Grant(code.GrantName()); ok {
		traces = append(traces, g.RefreshTokenGrant)
	}
	if marker, ok := x.Rows(t).Revocation(code.MarkerName()); ok {
		traces = append(traces, marker)
	}
	for _, trace := range traces {
		x.Directory.Remove(trace)
	}
}

// TestAReuseIsSeenBeforeAnythingElse: whoever has stolen a code cannot keep its owner from ending what it
// gave by taking all that the user may have, and neither does a client that was changed.
func TestAReuseIsSeenBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		client  func(testing.TB, *tenant.Tenant) *issuing.AuthenticatedClient
		request issuing.AuthorizationRequest
		mods    []func(*issuing.Redemption)
		between func(*testing.T, *tenant.OnAPIServer, issuing.Redemption)
		wish    issuing.Wish
	}{
		"a user with all sessions":              {client: ofName("opaque"), request: asking(askingForWeb, fromClient("opaque")), mods: []func(*issuing.Redemption){ofWeb}},
		"a user with all sessions, elsewhere":   {client: ofName("opaque"), request: asking(askingForWeb, fromClient("opaque")), mods: []func(*issuing.Redemption){ofWeb}, between: forget},
		"a user with all grants":                {client: public, request: asking()},
		"a user with all sessions and grants":   {client: public, request: asking(), between: forget},
		"an audience that is none of the grant": {client: public, request: asking(), wish: issuing.Wish{Audiences: []string{"https://x.example.com"}}},
		"a client that may not refresh any more": {client: public, request: asking(), between: func(_ *testing.T, x *tenant.OnAPIServer, _ issuing.Redemption) {
			x.Put(app(gen.ReferenceTokens(), gen.GrantTypes(v1alpha1.GrantTypeAuthorizationCode)))
		}},
		"a client that may refresh now": {client: ofName("opaque"), request: asking(askingForWeb, fromClient("opaque")), mods: []func(*issuing.Redemption){ofWeb}, between: func(_ *testing.T, x *tenant.OnAPIServer, _ issuing.Redemption) {
			changed := opaque()
			gen.GrantTypes(v1alpha1.GrantTypeAuthorizationCode, v1alpha1.GrantTypeRefreshToken)(changed)
			x.Put(changed)
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, app(gen.ReferenceTokens()), gen.ClientSecret("opaque", clientSecret), opaque())
			x.Put(alice(gen.MaxSessions(1), gen.MaxGrants(1)))
			presented := redemption(code(t, x.Tenant, tc.request), tc.mods...)
			stolen, err := x.Service.CodeGrant(t.Context(), tc.client(t, x.Tenant), presented, issuing.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			x.Await(t, "memory knows of the use", func() bool {
				return len(x.Rows(t).Grants()) == len(x.Grants(t))
			})
			if tc.between != nil {
				tc.between(t, x, presented)
			}
			_, err = x.Service.CodeGrant(t.Context(), tc.client(t, x.Tenant), presented, tc.wish)
			wantRefusal(t, err, issuing.CodeReused)
			x.Await(t, "what the code gave is dead", func() bool {
				_, err := x.Service.Check(t.Context(), x.Namespace, stolen.AccessToken.Reveal())
				return err != nil && issuing.AsRefusal(err).Reason == issuing.UnknownToken
			})
		})
	}
}

// TestAReuseCostsWritesOnce however often it comes, and its dead token takes up no room.
func TestAReuseCostsWritesOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		clientID string
		writes   int64 // of the first reuse
	}{
		"a self-contained token": {"web", 1},
		"a reference token":      {"opaque", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, gen.ClientSecret("web", clientSecret), web(), gen.ClientSecret("opaque", clientSecret), opaque())
			x.Put(alice(gen.MaxSessions(1)))
			redeem := func(presented issuing.Redemption) (*issuing.Issued, error) {
				return x.Service.CodeGrant(t.Context(), authenticated(t, x.Tenant, tc.clientID), presented, issuing.Wish{})
			}
			request := asking(askingForWeb, fromClient(tc.clientID))
			presented := redemption(code(t, x.Tenant, request), ofWeb)
			issued, err := redeem(presented)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []int64{tc.writes, 0} {
				before := x.Writes.Load()
				_, err := redeem(presented)
				wantRefusal(t, err, issuing.CodeReused)
				if wrote := x.Writes.Load() - before; wrote != want {
					t.Errorf("a reuse made %d writes, want %d", wrote, want)
				}
			}
			revocation, ok := x.Rows(t).Revocation(issued.Access.ID)
			if !ok || revocation.Spec.ExpiresAt.Time.Before(issued.Access.ExpiresAt) {
				t.Errorf("the token ends at %s, its revocation is %+v", issued.Access.ExpiresAt, revocation)
			}
			if sessions := x.Sessions(t); len(sessions) != 0 {
				t.Errorf("there are %d sessions of dead tokens", len(sessions))
			}
			if _, err := redeem(redemption(code(t, x.Tenant, request), ofWeb)); err != nil {
				t.Errorf("another login: %v", err)
			}
		})
	}
}

// TestAGrantIsRevokedOnce: a code that comes a third time is refused from memory.
func TestAGrantIsRevokedOnce(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, app())
	presented := redemption(code(t, x.Tenant, asking()))
	if _, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), presented, issuing.Wish{}); err != nil {
		t.Fatal(err)
	}
	awaitGrants(t, x, 1)
	reuse := func() {
		t.Helper()
		_, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), presented, issuing.Wish{})
		wantRefusal(t, err, issuing.CodeReused)
	}
	reuse()
	x.Await(t, "memory knows that the grant is revoked", func() bool {
		return x.Rows(t).Grants()[0].Spec.EffectiveState() == v1alpha1.GrantStateRevoked
	})
	before := x.Writes.Load()
	reuse()
	if wrote := x.Writes.Load() - before; wrote != 0 {
		t.Errorf("it made %d writes", wrote)
	}
}
