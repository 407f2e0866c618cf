package issuing_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// The ways to an access token of alice's, or of billing's own.
var (
	// ofPassword is tied to a password and to no grant.
	ofPassword = func(t *testing.T, x *tenant.Tenant) *issuing.Issued {
		t.Helper()
		x.Put(billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
		issued := login(t, x, issuing.Wish{})
		x.Put(billing())
		return issued
	}
	// ofGrant is tied to the applied grant "nightly".
	ofGrant = func(t *testing.T, x *tenant.Tenant) *issuing.Issued {
		t.Helper()
		return refresh(t, x, delivered(t, x, "nightly"))
	}
	// ofClient is the client's own.
	ofClient = func(t *testing.T, x *tenant.Tenant) *issuing.Issued {
		t.Helper()
		issued, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		return issued
	}
)

func nightly(mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	return gen.RefreshTokenGrant("nightly", append([]func(*v1alpha1.RefreshTokenGrant){gen.DeliversRefreshToken()}, mods...)...)
}

// TestWhatEndsAToken checks a token, changes one thing, and checks it again: the second time from
// the cache of tokens whose signature is known to be good.
func TestWhatEndsAToken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  func(*testing.T, *tenant.Tenant) *issuing.Issued
		change func(*tenant.Tenant, *issuing.Issued)
		lives  bool
	}{
		"nothing ends a password's token":               {ofPassword, func(*tenant.Tenant, *issuing.Issued) {}, true},
		"nothing ends a grant's token":                  {ofGrant, func(*tenant.Tenant, *issuing.Issued) {}, true},
		"nothing ends a client's token":                 {ofClient, func(*tenant.Tenant, *issuing.Issued) {}, true},
		"its last second does not":                      {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Clock.Step(time.Hour - time.Second) }, true},
		"its expiry does":                               {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Clock.Step(time.Hour) }, false},
		"its start does not, a minute before its issue": {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Clock.Step(-time.Minute) }, true},
		"a time before its start does":                  {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Clock.Step(-time.Minute - time.Second) }, false},
		"its revocation does":                           {ofClient, func(x *tenant.Tenant, i *issuing.Issued) { x.Put(gen.TokenRevocation(i.Access.ID, i.Access.ExpiresAt)) }, false},
		"another token's revocation does not": {ofClient, func(x *tenant.Tenant, i *issuing.Issued) {
			x.Put(gen.TokenRevocation(gen.GrantID("other"), i.Access.ExpiresAt))
		}, true},
		"a disabled user does":                      {ofPassword, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(gen.Disabled())) }, false},
		"a disabled user does, in a grant's":        {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(gen.Disabled())) }, false},
		"a disabled user does not, in a client's":   {ofClient, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(gen.Disabled())) }, true},
		"a deleted user does":                       {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Remove(alice()) }, false},
		"an expired user does":                      {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(gen.UserExpires(tenant.Start))) }, false},
		"a user made anew under the name does":      {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(anewAs("another"))) }, false},
		"a user enabled again does not":             {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(alice(gen.Disabled())); x.Put(alice()) }, true},
		"a deleted client does":                     {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Remove(billing()) }, false},
		"a deleted client does, in its own":         {ofClient, func(x *tenant.Tenant, _ *issuing.Issued) { x.Remove(billing()) }, false},
		"a client that lost its client_id does":     {ofClient, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(billing(gen.ClientID("other"))) }, false},
		"a changed client secret does not":          {ofClient, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(gen.ClientSecret("billing", "changed")) }, true},
		"a changed password does":                   {ofPassword, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(gen.PasswordSecret("alice", "changed")) }, false},
		"a password that is gone does":              {ofPassword, func(x *tenant.Tenant, _ *issuing.Issued) { x.Remove(gen.PasswordSecret("alice", "")) }, false},
		"a password changed back does not":          {ofPassword, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(gen.PasswordSecret("alice", password)) }, true},
		"a changed password does not, in a grant's": {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(gen.PasswordSecret("alice", "changed")) }, true},
		"a suspended grant does": {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) {
			x.Put(nightly(gen.GrantState(v1alpha1.GrantStateSuspended)))
		}, false},
		"a revoked grant does":                            {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(nightly(gen.GrantState(v1alpha1.GrantStateRevoked))) }, false},
		"an expired grant does":                           {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(nightly(gen.GrantExpires(tenant.Start))) }, false},
		"a grant whose epoch moved does":                  {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(nightly(gen.Epoch(2))) }, false},
		"a grant with other scopes does not: it is spent": {ofGrant, func(x *tenant.Tenant, _ *issuing.Issued) { x.Put(nightly(gen.GrantScopes("email"))) }, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, nightly())
			issued := tc.token(t, x)
			if _, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal()); err != nil {
				t.Fatalf("refused before anything changed: %v", err)
			}
			tc.change(x, issued)
			_, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal())
			if !tc.lives {
				wantRefusal(t, err, issuing.UnknownToken)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func anewAs(name string) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject(name) }
}

func TestCheckTellsWhatATokenStandsFor(t *testing.T) {
	t.Parallel()
	x := team(t, nightly(gen.GrantScopes("orders:write")))
	issued := ofGrant(t, x)
	checked, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(issued.Access, checked.Access); diff != "" {
		t.Errorf("(-issued +checked):\n%s", diff)
	}
	if !checked.Permissions.Allows("orders:write") || checked.Permissions.Allows("orders:read") {
		t.Error("the permissions are not the token's scopes")
	}
	if checked.User == nil || checked.User.Name != "alice" {
		t.Errorf("the user is %v, want alice", checked.User)
	}
	own, err := x.Service.Check(t.Context(), x.Namespace, ofClient(t, x).AccessToken.Reveal())
	if err != nil || own.User != nil {
		t.Errorf("a client's own token is of user %v (%v), want none", own.User, err)
	}
}

func TestANewKeyringEndsEveryToken(t *testing.T) {
	t.Parallel()
	x := team(t)
	token := ofClient(t, x).AccessToken.Reveal()
	ring, err := keys.Generate(rand.Reader, tenant.Start, x.Ring.Tenant(), []keys.Algorithm{keys.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Service.Check(t.Context(), x.Namespace, token); err != nil {
		t.Fatalf("refused before anything changed: %v", err)
	}
	x.Directory.SetRing(x.Namespace, ring, nil)
	_, err = x.Service.Check(t.Context(), x.Namespace, token)
	wantRefusal(t, err, issuing.UnknownToken)
}

// TestTenantsAreWalled gives two tenants the same keys, so that nothing but the tenant itself keeps
// a token of one out of the other.
func TestTenantsAreWalled(t *testing.T) {
	t.Parallel()
	x := team(t, nightly())
	other := "team-b"
	x.Directory.SetRing(other, keystest.Ring(t, other, "https://auth.example.com/t/"+other), nil)
	x.Directory.MarkRead(other, tenant.Forever)
	for _, object := range append(credentials(), alice(), billing(), nightly()) {
		x.Directory.Put(gen.In(other, object))
	}
	access, refreshToken := ofGrant(t, x).AccessToken.Reveal(), delivered(t, x, "nightly").Reveal()

	_, err := x.Service.Check(t.Context(), other, access)
	wantRefusal(t, err, issuing.UnknownToken)
	there, err := x.Service.AuthenticateClient(t.Context(), other, issuing.ClientAuthentication{
		ClientID: "billing", Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Service.RefreshGrant(t.Context(), there, refreshToken, issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}

func TestWhatIsNoAccessToken(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, nightly())
	jwt := ofGrant(t, x.Tenant).AccessToken.Reveal()
	tests := map[string]string{
		"nothing":                         "",
		"a refresh token":                 delivered(t, x.Tenant, "nightly").Reveal(),
		"a JWT with another signature":    flip(jwt),
		"a reference token of nobody":     "5f0c1b1e-8f0a-4c1d-9c39-0d6b7f1f2a3b",
		"a reference token in upper case": "5F0C1B1E-8F0A-4C1D-9C39-0D6B7F1F2A3B",
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := x.Service.Check(t.Context(), x.Namespace, token)
			wantRefusal(t, err, issuing.UnknownToken)
		})
	}
}

func TestADeletedGrantEndsItsTokens(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	token := login(t, x.Tenant, issuing.Wish{}).AccessToken.Reveal()
	grant := soleGrant(t, x)
	if _, err := x.Service.Check(t.Context(), x.Namespace, token); err != nil {
		t.Fatalf("refused before the grant was deleted: %v", err)
	}
	x.Delete(t, grant)
	_, err := x.Service.Check(t.Context(), x.Namespace, token)
	wantRefusal(t, err, issuing.UnknownToken)
}

func TestAReferenceTokenDiesWithItsSession(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing(gen.ReferenceTokens()))
	issued := ofClient(t, x.Tenant)
	token := issued.AccessToken.Reveal()
	// At once, before any watch can have told: it is read live.
	if _, err := x.Service.Check(t.Context(), x.Namespace, token); err != nil {
		t.Fatalf("refused while the session stands: %v", err)
	}
	session := x.Sessions(t)[0]
	x.AwaitVersion(t, &session)
	checked, err := x.Service.Check(t.Context(), x.Namespace, token)
	if err != nil {
		t.Fatalf("refused while the session stands: %v", err)
	}
	if diff := cmp.Diff(issued.Access, checked.Access); diff != "" {
		t.Errorf("(-issued +checked):\n%s", diff)
	}
	x.Delete(t, &session)
	_, err = x.Service.Check(t.Context(), x.Namespace, token)
	wantRefusal(t, err, issuing.UnknownToken)
}

// TestASessionUnderAnotherNameOpensNothing: who may write sessions cannot give a token the rights of
// another one.
func TestASessionUnderAnotherNameOpensNothing(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing(gen.ReferenceTokens()))
	ofClient(t, x.Tenant)
	stolen := x.Sessions(t)[0]
	const mine = "5f0c1b1e-8f0a-4c1d-9c39-0d6b7f1f2a3b"
	x.Create(t, &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Name: tokens.SessionName(mine)},
		Spec:       stolen.Spec,
	})
	_, err := x.Service.Check(t.Context(), x.Namespace, mine)
	wantRefusal(t, err, issuing.UnknownToken)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mods       []func(*v1alpha1.AuthClient)
		dialect    tokens.Dialect
		after      time.Duration
		wantWrites int64
		wantDead   bool
	}{
		"a JWT by a revocation":                 {dialect: tokens.OAuth2, wantWrites: 1, wantDead: true},
		"a reference token by its session":      {mods: []func(*v1alpha1.AuthClient){gen.ReferenceTokens()}, dialect: tokens.OAuth2, wantWrites: 1, wantDead: true},
		"a JWT of the other dialect not at all": {dialect: tokens.Wazo},
		"an expired JWT needs nothing":          {dialect: tokens.OAuth2, after: time.Hour, wantDead: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := tenant.Live(t, cp)
			x.Create(t, credentials()...)
			x.Create(t, alice(), billing(tc.mods...))
			token := ofClient(t, x.Tenant).AccessToken.Reveal()
			x.Clock.Step(tc.after)
			before := x.Writes.Load()
			if err := x.Service.Revoke(t.Context(), x.Namespace, token, tc.dialect); err != nil {
				t.Fatal(err)
			}
			x.Await(t, "the token's end", func() bool {
				_, err := x.Service.Check(t.Context(), x.Namespace, token)
				return (err != nil) == tc.wantDead
			})
			// The second time nothing is left to be done.
			if err := x.Service.Revoke(t.Context(), x.Namespace, token, tc.dialect); err != nil {
				t.Errorf("revoke again: %v", err)
			}
			if writes := x.Writes.Load() - before; writes != tc.wantWrites {
				t.Errorf("%d writes, want %d", writes, tc.wantWrites)
			}
		})
	}
}

func TestACallerThatGoesAwayIsNoVerdict(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	token := login(t, x.Tenant, issuing.Wish{}).AccessToken.Reveal()
	x.Remove(soleGrant(t, x))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := x.Service.Check(gone, x.Namespace, token)
	wantRefusal(t, err, issuing.Unavailable)
}
