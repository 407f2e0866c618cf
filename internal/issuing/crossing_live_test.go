package issuing_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// liveNeighbours are neighbours on the API server, and the name of the namespace that is permitted.
func liveNeighbours(t *testing.T, mods ...func(*v1alpha1.AuthUser)) (x *tenant.OnAPIServer, namespace string) {
	t.Helper()
	x = tenant.Live(t, cp)
	namespace = x.Neighbour(t, cp)
	x.Create(t, credentials()...)
	x.Create(t, alice(append(mods, gen.UserAllows(gen.ToNames(namespace)))...), billing(gen.ClientAllows(gen.ToNames(namespace))))
	return x, namespace
}

// createThere creates a grant in its namespace and waits until the directory has it.
func createThere(t *testing.T, x *tenant.OnAPIServer, g *v1alpha1.RefreshTokenGrant) *v1alpha1.RefreshTokenGrant {
	t.Helper()
	if err := x.Client.Create(t.Context(), g); err != nil {
		t.Fatalf("create the grant: %v", err)
	}
	x.Await(t, "the directory has the grant", func() bool { return isThere(x, g) })
	return g
}

func isThere(x *tenant.OnAPIServer, g *v1alpha1.RefreshTokenGrant) bool {
	rows, ok := x.Directory.Tenant(g.Namespace)
	if !ok {
		return false
	}
	held, ok := rows.Grant(g.Name)
	return ok && held.UID == g.UID
}

func deleteThere(t *testing.T, x *tenant.OnAPIServer, g *v1alpha1.RefreshTokenGrant) {
	t.Helper()
	if err := x.Client.Delete(t.Context(), g); err != nil {
		t.Fatalf("delete the grant: %v", err)
	}
	x.Await(t, "the grant has left the directory", func() bool { return !isThere(x, g) })
}

// TestNobodyElsewhereKeepsADeletedGrantAlive: a token names the namespace of its grant, so that one of
// the same id in another namespace, which also may speak for the user, is no substitute. Neither is
// one here for one elsewhere.
func TestNobodyElsewhereKeepsADeletedGrantAlive(t *testing.T) {
	t.Parallel()
	for name, here := range map[string]bool{"of the tenant's own": true, "of another namespace": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, namespace := liveNeighbours(t)
			own := createThere(t, x, gen.In(x.Namespace, nightly()))
			other := createThere(t, x, crossing(namespace, x.Namespace))
			victim := other
			if here {
				victim = own
			}
			refreshToken := deliveredIn(t, x.Tenant, victim.Namespace)
			access := refresh(t, x.Tenant, refreshToken).AccessToken
			wantBoth(t, x.Tenant, access, refreshToken, true)
			deleteThere(t, x, victim)
			wantBoth(t, x.Tenant, access, refreshToken, false)
		})
	}
}

// TestARefreshTokenOfTomorrowOpensNoOtherGrant: whoever makes a grant sets its counters, and so can have
// a refresh token that is ahead of it. It is looked up live then, and not in the tenant itself, where
// the id is bob's grant.
func TestARefreshTokenOfTomorrowOpensNoOtherGrant(t *testing.T) {
	t.Parallel()
	x, namespace := liveNeighbours(t)
	ninth := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.Generation = 9 }
	x.Create(t, gen.AuthUser("bob", gen.UserScopes("orders:*")), gen.In(x.Namespace, nightly(gen.ForUser("bob"), ninth)))
	g := createThere(t, x, crossing(namespace, x.Namespace, ninth))
	ahead := deliveredIn(t, x.Tenant, namespace)
	wantRefresh(t, x.Tenant, ahead, true)
	deleteThere(t, x, g)
	createThere(t, x, crossing(namespace, x.Namespace))
	wantRefresh(t, x.Tenant, ahead, false)
}

// TestAGrantElsewhereIsReadLive: another replica has just made it. What memory has is looked at as
// closely.
func TestAGrantElsewhereIsReadLive(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		// nextTenant makes it a grant for a user of its own namespace.
		nextTenant bool
		want       bool
	}{
		"of this tenant's":    {want: true},
		"of another tenant's": {nextTenant: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, namespace := liveNeighbours(t)
			g := createThere(t, x, crossing(namespace, x.Namespace))
			refreshToken := deliveredIn(t, x.Tenant, namespace)
			access := refresh(t, x.Tenant, refreshToken).AccessToken
			if tc.nextTenant {
				deleteThere(t, x, g)
				g = createThere(t, x, crossing(namespace, namespace))
			}
			wantBoth(t, x.Tenant, access, refreshToken, tc.want)
			x.Directory.Remove(g)
			wantBoth(t, x.Tenant, access, refreshToken, tc.want)
		})
	}
}

func TestARefreshTokenThatCrossesIsRevokedWhereItsGrantIs(t *testing.T) {
	t.Parallel()
	x, namespace := liveNeighbours(t)
	g := createThere(t, x, crossing(namespace, x.Namespace))
	refreshToken := deliveredIn(t, x.Tenant, namespace)
	access, other := refresh(t, x.Tenant, refreshToken).AccessToken, refresh(t, x.Tenant, refreshToken).AccessToken
	o := observe(t, x.Tenant)
	x.Directory.Put(ofVersion(g, "1")) // memory is late
	for _, token := range []sensitive.String{other, refreshToken} {
		if err := x.Service.RevokeOwn(t.Context(), authenticated(t, x.Tenant, "billing"), token.Reveal()); err != nil {
			t.Fatalf("revoke: %v", err)
		}
	}
	for _, line := range o.lines(t) {
		if line["grantNamespace"] != namespace {
			t.Errorf("the log of %v says that the grant is in %v", line["event"], line["grantNamespace"])
		}
	}
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(g), g); err != nil || g.Spec.Epoch != 2 {
		t.Fatalf("the epoch is %d (%v), want 2", g.Spec.Epoch, err)
	}
	x.Await(t, "the directory has the epoch", func() bool {
		rows, _ := x.Directory.Tenant(namespace)
		held, ok := rows.Grant(g.Name)
		return ok && held.Spec.Epoch == 2
	})
	wantBoth(t, x.Tenant, access, refreshToken, false)
}

func ofVersion(g *v1alpha1.RefreshTokenGrant, version string) *v1alpha1.RefreshTokenGrant {
	older := g.DeepCopy()
	older.ResourceVersion = version
	return older
}

// TestSessionsOfOthersKeepNobodyFromLoggingIn: who may use a user may use up their own share of the
// user's sessions and of the tenant's.
func TestSessionsOfOthersKeepNobodyFromLoggingIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		user   func(*v1alpha1.AuthUser)
		tenant func(*v1alpha1.AuthTenant)
		want   issuing.Reason
	}{
		"where the user may have one":   {gen.MaxSessions(1), gen.TenantLimits(100, 100), issuing.TooManySessions},
		"where the tenant may have one": {gen.MaxSessions(100), gen.TenantLimits(1, 100), issuing.TooManyTenantSessions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, namespace := liveNeighbours(t, tc.user)
			x.Create(t, gen.AuthTenant(tc.tenant, gen.Dialects(v1alpha1.DialectOAuth2, v1alpha1.DialectWazo)))
			useTwice(t, x, namespace, tc.want)
		})
	}
}

// useTwice makes a session for a grant of a namespace and one for a login, of which each may have one.
func useTwice(t *testing.T, x *tenant.OnAPIServer, namespace string, want issuing.Reason) {
	t.Helper()
	createThere(t, x, crossing(namespace, x.Namespace, func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}
	}))
	refreshToken := deliveredIn(t, x.Tenant, namespace)
	elsewhere := func() error {
		_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), refreshToken.Reveal(), issuing.Wish{})
		return err
	}
	here := func() error {
		_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice(), Lifetime: tenant.MaxJWTTTL})
		return err
	}
	for i, use := range []func() error{elsewhere, here} {
		if err := use(); err != nil {
			t.Fatalf("session %d: %v", i+1, err)
		}
		x.Await(t, "the directory has the session", func() bool { return len(x.Rows(t).SessionsOfSubject(gen.Subject("alice"))) == i+1 })
	}
	for _, use := range []func() error{elsewhere, here} {
		wantRefusal(t, use(), want)
	}
	for _, session := range x.Sessions(t) {
		if session.Spec.GrantID != "" && session.Spec.GrantNamespace != namespace {
			t.Errorf("the session of the grant says %q", session.Spec.GrantNamespace)
		}
	}
}

// TestATokenOfAnotherGrantIsNotFound: whoever writes Secrets may put there what a grant of the same id
// was given.
func TestATokenOfAnotherGrantIsNotFound(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace))
	x.Put(nightly())
	own, r := revised(t, x)
	token := deliver(t, x, own, r)
	found := func(terms issuing.Terms) *revision.Token {
		t.Helper()
		found, err := x.Service.Found(t.Context(), x.Ring, &terms, token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found(*own) == nil {
		t.Error("the grant's own token is not found")
	}
	there := *own
	there.GrantNamespace = away
	if found(there) != nil {
		t.Error("it passes for one of the grant elsewhere")
	}
}

// TestAWazoGrantNeedsItsUsersLeaveAlone: its client is registered nowhere.
func TestAWazoGrantNeedsItsUsersLeaveAlone(t *testing.T) {
	t.Parallel()
	x, namespace := liveNeighbours(t)
	createThere(t, x, crossing(namespace, x.Namespace, gen.ForWazo("phone")))
	request := issuing.Login{ClientID: "phone", Lifetime: tenant.MaxJWTTTL}
	refreshToken := deliveredIn(t, x.Tenant, namespace)
	issued, err := x.Service.Refresh(t.Context(), x.Namespace, refreshToken.Reveal(), request)
	if err != nil {
		t.Fatalf("refresh: %v", err)
	}
	check := func(token sensitive.String) error {
		_, err := x.Service.Check(t.Context(), x.Namespace, token.Reveal())
		return err
	}
	if err := check(issued.AccessToken); err != nil {
		t.Errorf("check: %v", err)
	}
	for _, another := range []func(*v1alpha1.RefreshTokenGrant){gen.ForWazo("tablet"), func(*v1alpha1.RefreshTokenGrant) {}} {
		x.Directory.Put(crossing(namespace, x.Namespace, another))
		wantRefusal(t, check(issued.AccessToken), issuing.UnknownToken)
	}
	x.Directory.Put(crossing(namespace, x.Namespace, gen.ForWazo("phone")))
	if err := check(issued.AccessToken); err != nil {
		t.Errorf("check again: %v", err)
	}
	x.Put(alice())
	wantRefusal(t, check(issued.AccessToken), issuing.UnknownToken)
	_, err = x.Service.Refresh(t.Context(), x.Namespace, refreshToken.Reveal(), request)
	wantRefusal(t, err, issuing.InvalidGrant)
}
