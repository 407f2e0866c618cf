package issuing_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// rotatingTeam is a team on the API server whose client's refresh tokens rotate.
func rotatingTeam(t *testing.T, policy v1alpha1.ClientRefreshToken) *tenant.OnAPIServer {
	t.Helper()
	policy.Rotation = v1alpha1.RefreshTokenRotationAlways
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing(func(c *v1alpha1.AuthClient) { c.Spec.RefreshToken = &policy }))
	return x
}

// refuseRefresh is a refresh that has to be refused for a reason.
func refuseRefresh(t *testing.T, x *tenant.Tenant, token sensitive.String, want issuing.Reason) {
	t.Helper()
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), token.Reveal(), issuing.Wish{})
	wantRefusal(t, err, want)
}

func TestEveryUseReplacesTheRefreshTokenWithOneWrite(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	issued := login(t, x.Tenant, issuing.Wish{})
	writes := x.Writes.Load()
	for range 3 {
		x.Clock.Step(time.Minute)
		next := refresh(t, x.Tenant, issued.RefreshToken)
		if next.RefreshToken.Equal(issued.RefreshToken) {
			t.Fatal("the refresh token came back as it was")
		}
		issued = next
	}
	if made := x.Writes.Load() - writes; made != 3 {
		t.Errorf("three refreshes made %d writes, want 3", made)
	}
	g := soleGrant(t, x)
	if g.Spec.RefreshToken.Generation != 4 || !g.Spec.RefreshToken.RotatedAt.Equal(gen.Time(x.Clock.Now())) {
		t.Errorf("the grant says generation %d, rotated at %v", g.Spec.RefreshToken.Generation, g.Spec.RefreshToken.RotatedAt)
	}
}

func TestOneRefreshTokenUsedByManyAtOnceHasOneSuccessor(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	issued := login(t, x.Tenant, issuing.Wish{})
	successors := make([]string, 16)
	var all sync.WaitGroup
	for i := range successors {
		all.Go(func() {
			next, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), issued.RefreshToken.Reveal(), issuing.Wish{})
			if err != nil {
				t.Errorf("refresh %d: %v", i, err)
				return
			}
			successors[i] = next.RefreshToken.Reveal()
		})
	}
	all.Wait()
	slices.Sort(successors)
	if distinct := len(slices.Compact(successors)); distinct != 1 {
		t.Errorf("they got %d different refresh tokens, want one", distinct)
	}
	if generation := soleGrant(t, x).Spec.RefreshToken.Generation; generation != 2 {
		t.Errorf("generation %d, want 2", generation)
	}
}

func TestAStolenRefreshTokenEndsTheGrant(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	stolen := login(t, x.Tenant, issuing.Wish{})
	current := refresh(t, x.Tenant, stolen.RefreshToken)
	x.Clock.Step(31 * time.Second)
	refuseRefresh(t, x.Tenant, stolen.RefreshToken, issuing.RefreshTokenReused)
	if state := soleGrant(t, x).Spec.State; state != v1alpha1.GrantStateRevoked {
		t.Errorf("the grant is %s, want Revoked", state)
	}
	refuseRefresh(t, x.Tenant, current.RefreshToken, issuing.InvalidGrant)
	_, err := x.Service.Check(t.Context(), x.Namespace, current.AccessToken.Reveal())
	wantRefusal(t, err, issuing.UnknownToken)
}

func TestTheSuccessorsUseEndsTheGracePeriod(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	first := login(t, x.Tenant, issuing.Wish{})
	second := refresh(t, x.Tenant, first.RefreshToken)
	if repeated := refresh(t, x.Tenant, first.RefreshToken); !repeated.RefreshToken.Equal(second.RefreshToken) {
		t.Error("a client that asks again gets another successor")
	}
	refresh(t, x.Tenant, second.RefreshToken)
	refuseRefresh(t, x.Tenant, first.RefreshToken, issuing.RefreshTokenReused)
}

func TestAnotherClientCannotEndAGrantByReuse(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	x.Create(t, gen.AuthClient("other", gen.EveryGrantType()), gen.ClientSecret("other", clientSecret))
	first := login(t, x.Tenant, issuing.Wish{})
	second := refresh(t, x.Tenant, first.RefreshToken)
	x.Clock.Step(time.Minute)
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "other"), first.RefreshToken.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
	refresh(t, x.Tenant, second.RefreshToken)
}

func TestAGrantThatWasRestoredFromABackupGoesOnWithTheNewestToken(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	issued := login(t, x.Tenant, issuing.Wish{})
	backup := soleGrant(t, x).DeepCopy()
	for range 3 {
		issued = refresh(t, x.Tenant, issued.RefreshToken)
	}
	if err := x.Client.Delete(t.Context(), soleGrant(t, x)); err != nil {
		t.Fatal(err)
	}
	backup.ResourceVersion, backup.UID = "", ""
	if err := x.Client.Create(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	refresh(t, x.Tenant, issued.RefreshToken)
	if generation := soleGrant(t, x).Spec.RefreshToken.Generation; generation != 5 {
		t.Errorf("generation %d, want 5", generation)
	}
}

func TestAReplicaThatIsBehindAsksBeforeItTakesATokenForStolen(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	first := login(t, x.Tenant, issuing.Wish{})
	behind := soleGrant(t, x)
	second := refresh(t, x.Tenant, first.RefreshToken)
	soleGrant(t, x) // the watch has brought the second generation
	x.Put(behind)   // and now it has not
	third := refresh(t, x.Tenant, second.RefreshToken)
	if third.RefreshToken.Equal(second.RefreshToken) {
		t.Error("the refresh token came back as it was")
	}
}

func TestRefreshTokensOfAPolicyEnd(t *testing.T) {
	t.Parallel()
	hour := v1alpha1.Duration("1h")
	tests := map[string]struct {
		policy v1alpha1.ClientRefreshToken
		uses   []time.Duration // how long after the one before; the last is refused
	}{
		"by not being used":                {v1alpha1.ClientRefreshToken{IdleTimeout: &hour}, []time.Duration{59 * time.Minute, 59 * time.Minute, time.Hour}},
		"by age, however much it was used": {v1alpha1.ClientRefreshToken{MaxAge: &hour}, []time.Duration{30 * time.Minute, 29 * time.Minute, time.Minute}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := rotatingTeam(t, tc.policy)
			issued := login(t, x.Tenant, issuing.Wish{})
			for i, wait := range tc.uses {
				x.Clock.Step(wait)
				if i == len(tc.uses)-1 {
					refuseRefresh(t, x.Tenant, issued.RefreshToken, issuing.InvalidGrant)
					return
				}
				issued = refresh(t, x.Tenant, issued.RefreshToken)
			}
		})
	}
}

func TestALoginTakesThePlaceOfAGrantWhoseRefreshTokenHasEnded(t *testing.T) {
	t.Parallel()
	hour := v1alpha1.Duration("1h")
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing(func(c *v1alpha1.AuthClient) {
		c.Spec.RefreshToken = &v1alpha1.ClientRefreshToken{MaxAge: &hour}
	}))
	first := login(t, x.Tenant, issuing.Wish{})
	soleGrant(t, x)
	x.Clock.Step(time.Hour)
	refuseRefresh(t, x.Tenant, first.RefreshToken, issuing.InvalidGrant)
	second := login(t, x.Tenant, issuing.Wish{})
	if soleGrant(t, x); second.Access.GrantID == first.Access.GrantID {
		t.Error("the login stands on the grant that has ended")
	}
	refresh(t, x.Tenant, second.RefreshToken)
}

func TestALoginAndARefreshThatThereIsNoSessionLeftForReplaceNothing(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(gen.MaxSessions(1), gen.MaxGrants(1)), billing(gen.ReferenceTokens(), func(c *v1alpha1.AuthClient) {
		c.Spec.RefreshToken = &v1alpha1.ClientRefreshToken{Rotation: v1alpha1.RefreshTokenRotationAlways}
	}))
	issued := login(t, x.Tenant, issuing.Wish{})
	soleGrant(t, x)
	session := x.Sessions(t)[0]
	x.AwaitVersion(t, &session)

	writes := x.Writes.Load()
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
	wantRefusal(t, err, issuing.TooManySessions)
	refuseRefresh(t, x.Tenant, issued.RefreshToken, issuing.TooManySessions)
	if made := x.Writes.Load() - writes; made != 0 {
		t.Errorf("the refusals made %d writes, want none", made)
	}
	x.Clock.Step(time.Hour) // the session has ended, and so has every grace period
	refresh(t, x.Tenant, issued.RefreshToken)
}

func TestARefreshThatAsksForATooLargeTokenReplacesNothing(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	scopes := make([]string, 40)
	for i := range scopes {
		scopes[i] = "orders:" + strings.Repeat("x", 200) + strconv.Itoa(i)
	}
	x.Create(t, gen.RefreshTokenGrant("login", gen.FromLogin(tenant.Start, ""), gen.GrantScopes(scopes...)))
	row, _ := x.Rows(t).Grant("login")
	token, err := issuing.DeliveredRefreshToken(x.Ring, row)
	if err != nil {
		t.Fatal(err)
	}
	refuseRefresh(t, x.Tenant, token, issuing.InvalidScope)
	if writes := x.Writes.Load(); writes != 0 {
		t.Errorf("the refusal made %d writes, want none", writes)
	}
	x.Clock.Step(time.Hour) // past every grace period
	narrow := issuing.Wish{Scopes: scopes[:1]}
	if _, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), token.Reveal(), narrow); err != nil {
		t.Errorf("with fewer scopes: %v", err)
	}
}

// liveReads counts the lookups past memory.
type liveReads struct {
	issuing.Live
	grants atomic.Int64
}

func (l *liveReads) GrantByID(ctx context.Context, namespace, id string) (*v1alpha1.RefreshTokenGrant, error) {
	l.grants.Add(1)
	return l.Live.GrantByID(ctx, namespace, id)
}

func TestACopyOfATokenOfARevokedGrantCostsTheAPIServerNothing(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	stolen := login(t, x.Tenant, issuing.Wish{})
	refresh(t, x.Tenant, stolen.RefreshToken)
	x.Clock.Step(time.Minute)
	refuseRefresh(t, x.Tenant, stolen.RefreshToken, issuing.RefreshTokenReused)
	soleGrant(t, x)
	reads := &liveReads{Live: x.Service.Live}
	x.Service.Live = reads
	refuseRefresh(t, x.Tenant, stolen.RefreshToken, issuing.InvalidGrant)
	if made := reads.grants.Load(); made != 0 {
		t.Errorf("it made %d reads, want none", made)
	}
}

func TestLoginsOfRotatingTokensHaveGrantsOfTheirOwn(t *testing.T) {
	t.Parallel()
	x := rotatingTeam(t, v1alpha1.ClientRefreshToken{})
	phone, laptop := login(t, x.Tenant, issuing.Wish{}), login(t, x.Tenant, issuing.Wish{})
	refresh(t, x.Tenant, phone.RefreshToken)
	refresh(t, x.Tenant, laptop.RefreshToken)
}

func TestPublicClients(t *testing.T) {
	t.Parallel()
	x := tenant.Live(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(), billing(), gen.AuthClient("app", gen.PublicClient(), gen.GrantTypes(), gen.ClientScopes("orders:*")))
	x.Create(t, gen.RefreshTokenGrant("login", gen.ForClient("app"), gen.FromLogin(tenant.Start, ""), gen.GrantScopes("orders:read")))

	named := issuing.ClientAuthentication{ClientID: "app"}
	app, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, named)
	if err != nil {
		t.Fatalf("it needs to name itself only: %v", err)
	}
	_, err = x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{ClientID: "billing"})
	wantRefusal(t, err, issuing.InvalidClient)
	for _, method := range []v1alpha1.ClientAuthentication{v1alpha1.ClientAuthenticationSecretBasic, v1alpha1.ClientAuthenticationSecretPost} {
		_, err = x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{ClientID: "app", Secret: sensitive.New("any"), Method: method})
		wantRefusal(t, err, issuing.InvalidClient)
	}

	g := soleGrant(t, x)
	row, _ := x.Rows(t).Grant(g.Name)
	token, err := issuing.DeliveredRefreshToken(x.Ring, row)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := x.Service.RefreshGrant(t.Context(), app, token.Reveal(), issuing.Wish{})
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if issued.RefreshToken.Equal(token) {
		t.Error("a public client's refresh token does not rotate")
	}
	_, err = x.Service.Introspect(t.Context(), app, issued.AccessToken.Reveal())
	wantRefusal(t, err, issuing.InvalidClient)
	_, err = x.Service.ClientCredentialsGrant(t.Context(), app, issuing.Wish{})
	wantRefusal(t, err, issuing.UnauthorizedClient)
	if err := x.Service.RevokeOwn(t.Context(), app, token.Reveal()); err != nil {
		t.Fatalf("revoke a token that was replaced: %v", err)
	}
	_, err = x.Service.RefreshGrant(t.Context(), app, issued.RefreshToken.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}
