package issuing_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// soleGrant is the only grant there is, once the directory has it, too.
func soleGrant(t *testing.T, x *tenant.OnAPIServer) *v1alpha1.RefreshTokenGrant {
	t.Helper()
	grants := x.Grants(t)
	if len(grants) != 1 {
		t.Fatalf("there are %d grants, want 1", len(grants))
	}
	x.AwaitVersion(t, &grants[0])
	return &grants[0]
}

func TestAPasswordLoginWritesOneGrantAndTheNextNothing(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	first := login(t, x.Tenant, issuing.Wish{Scopes: []string{"orders:write", "orders:read"}})
	if writes := x.Writes.Load(); writes != 1 {
		t.Fatalf("the first login made %d writes, want 1", writes)
	}
	made := soleGrant(t, x)
	want := v1alpha1.RefreshTokenGrantSpec{
		ID:        first.Access.GrantID,
		UserRef:   v1alpha1.UserReference{Name: "alice", Subject: gen.Subject("alice")},
		ClientRef: &v1alpha1.ClientReference{Name: "billing"},
		Scopes:    []string{"orders:write", "orders:read"},
		Audiences: []string{orders, "https://stock.example.com"},
		Epoch:     1,
		RefreshToken: &v1alpha1.GrantRefreshToken{
			Generation: 1, KeyVersion: x.Ring.NewestRefresh(),
		},
		Login: &v1alpha1.GrantLogin{
			AuthTime: *gen.Time(tenant.Start), IssuedAt: *gen.Time(tenant.Start),
			CV: first.Access.CredentialVersion, UserAgent: "a browser",
		},
	}
	if diff := cmp.Diff(want, made.Spec, cmp.Comparer(func(a, b metav1.Time) bool { return a.Equal(&b) })); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}, made.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}

	x.Clock.Step(time.Minute)
	again := login(t, x.Tenant, issuing.Wish{Scopes: []string{"orders:read", "orders:write"}})
	if writes := x.Writes.Load(); writes != 1 {
		t.Errorf("the second login made %d writes, want none", writes-1)
	}
	if !again.RefreshToken.Equal(first.RefreshToken) {
		t.Error("the second login got another refresh token")
	}
	if again.AccessToken.Equal(first.AccessToken) || !again.Access.AuthTime.Equal(tenant.Start.Add(time.Minute)) {
		t.Error("the second login got no token of its own")
	}

	narrowed := refresh(t, x.Tenant, first.RefreshToken)
	if diff := cmp.Diff([]string{"orders:write", "orders:read"}, narrowed.Access.Scopes); diff != "" {
		t.Errorf("the refreshed scopes (-want +got):\n%s", diff)
	}
	if writes := x.Writes.Load(); writes != 1 {
		t.Errorf("the refresh made %d writes, want none", writes-1)
	}
}

func TestLoginsThatDifferHaveGrantsOfTheirOwn(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	held := map[string]string{}
	expectNew := func(what string, issued *issuing.Issued) {
		t.Helper()
		if other, ok := held[issued.Access.GrantID]; ok {
			t.Errorf("%s stands on the grant of %s", what, other)
		}
		held[issued.Access.GrantID] = what
	}
	expectNew("the default scopes", login(t, x.Tenant, issuing.Wish{}))
	expectNew("another scope", login(t, x.Tenant, issuing.Wish{Scopes: []string{"orders:write"}}))
	expectNew("fewer audiences", login(t, x.Tenant, issuing.Wish{Audiences: []string{orders}}))

	x.Update(t, gen.In(x.Namespace, gen.PasswordSecret("alice", "another one")))
	user := asAlice()
	user.Password = sensitive.New("another one")
	issued, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), user, "", issuing.Wish{})
	if err != nil {
		t.Fatalf("log in with the new password: %v", err)
	}
	expectNew("another password", issued)
}

func TestParallelFirstLoginsShareOneGrant(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	refreshTokens := make([]string, 8)
	var all sync.WaitGroup
	for i := range refreshTokens {
		all.Go(func() {
			issued, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
			if err != nil {
				t.Errorf("login %d: %v", i, err)
				return
			}
			refreshTokens[i] = issued.RefreshToken.Reveal()
		})
	}
	all.Wait()
	slices.Sort(refreshTokens)
	if distinct := len(slices.Compact(refreshTokens)); distinct != 1 {
		t.Errorf("the logins got %d different refresh tokens, want one", distinct)
	}
	soleGrant(t, x)
}

func TestAReplicaThatHasNotSeenAGrantYetReadsItOnce(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	issued := login(t, x.Tenant, issuing.Wish{})
	x.Remove(soleGrant(t, x)) // as if the watch were behind
	refresh(t, x.Tenant, issued.RefreshToken)
	if _, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal()); err != nil {
		t.Errorf("the access token is refused: %v", err)
	}
}

func TestADeletedGrantNeverComesBack(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	before := login(t, x.Tenant, issuing.Wish{})
	x.Delete(t, soleGrant(t, x))
	after := login(t, x.Tenant, issuing.Wish{})
	if after.Access.GrantID == before.Access.GrantID {
		t.Error("the new grant has the id of the deleted one")
	}
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), before.RefreshToken.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
	refresh(t, x.Tenant, after.RefreshToken)
}

func TestPastMaxGrantsTheOldestOfTheSameClientGoes(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(gen.MaxGrants(3)), billing(), gen.AuthClient("shop", gen.EveryGrantType(), gen.ClientScopes("orders:*")))
	x.Create(t,
		gen.RefreshTokenGrant("applied"),
		gen.RefreshTokenGrant("of-another-client", gen.ForClient("shop"), gen.FromLogin(tenant.Start.Add(-time.Hour), "")))

	scopes := []string{"orders:1", "orders:2", "orders:3"}
	var ids []string
	for _, scope := range scopes {
		ids = append(ids, login(t, x.Tenant, issuing.Wish{Scopes: []string{scope}}).Access.GrantID)
		for _, grant := range x.Grants(t) {
			x.AwaitVersion(t, &grant)
		}
		x.Clock.Step(time.Second)
	}
	var left []string
	for _, grant := range x.Grants(t) {
		left = append(left, grant.Spec.ID)
	}
	want := []string{gen.GrantID("applied"), gen.GrantID("of-another-client"), ids[1], ids[2]}
	slices.Sort(want)
	slices.Sort(left)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
}

func TestWithoutAGrantToGiveWayALoginIsRefused(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(gen.MaxGrants(1)), billing(), gen.AuthClient("shop"))
	x.Create(t, gen.RefreshTokenGrant("of-another-client", gen.ForClient("shop"), gen.FromLogin(tenant.Start, "")))
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.TooManyGrants)
	if writes := x.Writes.Load(); writes != 0 {
		t.Errorf("the refused login made %d writes", writes)
	}
}

func TestALoginDoesNotReviveItsGrant(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*v1alpha1.RefreshTokenGrant)
		want   string
	}{
		"suspended": {gen.GrantState(v1alpha1.GrantStateSuspended), "InvalidGrant: the grant behind this login may not be used: Suspended"},
		"revoked":   {gen.GrantState(v1alpha1.GrantStateRevoked), "InvalidGrant: the grant behind this login may not be used: Revoked"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t)
			login(t, x.Tenant, issuing.Wish{})
			grant := soleGrant(t, x)
			tc.change(grant)
			x.Update(t, grant)
			_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestALoginDoesNotOutliveItsGrant(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	login(t, x.Tenant, issuing.Wish{})
	grant := soleGrant(t, x)
	end := tenant.Start.Add(10 * time.Minute)
	gen.GrantExpires(end)(grant)
	x.Update(t, grant)
	if got := login(t, x.Tenant, issuing.Wish{}).Access.ExpiresAt; !got.Equal(end) {
		t.Errorf("the token ends at %s, want the grant's end %s", got, end)
	}
}

func TestALoginDoesNotTakeOverAnAppliedGrantOfItsName(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	login(t, x.Tenant, issuing.Wish{})
	made := soleGrant(t, x)
	x.Delete(t, made)
	x.Create(t, gen.RefreshTokenGrant(made.Name))
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}

func TestReferenceTokensCostOneSession(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(gen.MaxSessions(2)), billing(gen.ReferenceTokens(), gen.GrantTypes(v1alpha1.GrantTypePassword)))
	var issued *issuing.Issued
	for i := range 2 {
		issued = login(t, x.Tenant, issuing.Wish{})
		sessions := x.Sessions(t)
		if len(sessions) != i+1 || x.Writes.Load() != int64(i+1) {
			t.Fatalf("after %d logins there are %d sessions and %d writes", i+1, len(sessions), x.Writes.Load())
		}
		for _, session := range sessions {
			x.AwaitVersion(t, &session)
		}
	}
	token := issued.AccessToken.Reveal()
	if !tokens.IsReference(token) {
		t.Fatalf("the token is no UUID")
	}
	session, ok := x.Rows(t).Session(tokens.SessionName(token))
	if !ok {
		t.Fatal("there is no session of the token's name")
	}
	want := v1alpha1.AuthSessionSpec{
		ID:      issued.Access.ID,
		Subject: gen.Subject("alice"), Username: "alice", ClientID: "billing",
		ExpiresAt: *gen.Time(tenant.Start.Add(time.Hour)), Sealed: session.Spec.Sealed,
	}
	if diff := cmp.Diff(want, session.Spec, cmp.Comparer(func(a, b metav1.Time) bool { return a.Equal(&b) })); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}

	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.TooManySessions)
	x.Clock.Step(time.Hour)
	login(t, x.Tenant, issuing.Wish{})
}

func TestAnUnreachableAPIServerIsNoRefusalOfTheUser(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	token := login(t, x.Tenant, issuing.Wish{}).RefreshToken
	x.Remove(soleGrant(t, x))
	x.Cut()
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.Unavailable)
	_, err = x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), token.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.Unavailable)
	if _, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x.Tenant, "billing"), issuing.Wish{}); err != nil {
		t.Errorf("what needs no write is refused, too: %v", err)
	}
}
