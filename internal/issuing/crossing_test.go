package issuing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// away is the namespace of grants for users of another one.
const away = "team-b"

// crossing is the grant "nightly" of a namespace, for alice and billing of another one.
func crossing(home, of string, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	return gen.In(home, nightly(append([]func(*v1alpha1.RefreshTokenGrant){gen.UserIn(of)}, mods...)...))
}

// permitting are alice and billing, who permit the namespace away.
func permitting() []client.Object {
	return []client.Object{alice(gen.UserAllows(gen.ToNames(away))), billing(gen.ClientAllows(gen.ToNames(away)))}
}

// neighbours are a tenant whose alice and billing permit the namespace away, and what is there.
func neighbours(t testing.TB, there ...client.Object) *tenant.Tenant {
	t.Helper()
	x := team(t, permitting()...)
	x.Directory.MarkRead(away, tenant.Forever)
	for _, object := range there {
		x.Directory.Put(gen.In(away, object))
	}
	return x
}

// deliveredIn is the refresh token that a grant in a namespace delivers for this tenant.
func deliveredIn(t testing.TB, x *tenant.Tenant, namespace string) sensitive.String {
	t.Helper()
	rows, _ := x.Directory.Tenant(namespace)
	g, ok := rows.Grant("nightly")
	if !ok {
		t.Fatalf("there is no grant in %q", namespace)
	}
	token, err := issuing.DeliveredRefreshToken(x.Ring, g)
	if err != nil {
		t.Fatalf("make the refresh token: %v", err)
	}
	return token
}

// wantBoth wants an access token and the refresh token that it came from to be good, or both not.
func wantBoth(t testing.TB, x *tenant.Tenant, access, refreshToken sensitive.String, good bool) {
	t.Helper()
	wantAccess(t, x, access, good)
	wantRefresh(t, x, refreshToken, good)
}

func wantAccess(t testing.TB, x *tenant.Tenant, access sensitive.String, good bool) {
	t.Helper()
	if _, err := x.Service.Check(t.Context(), x.Namespace, access.Reveal()); good != (err == nil) {
		t.Errorf("the access token: %v, want it to be good: %t", err, good)
	} else if !good {
		wantRefusal(t, err, issuing.UnknownToken)
	}
}

func wantRefresh(t testing.TB, x *tenant.Tenant, refreshToken sensitive.String, good bool) {
	t.Helper()
	c, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{
		ClientID: "billing", Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic,
	})
	if err != nil {
		return // the client is gone, and with it the way to use the token
	}
	if _, err := x.Service.RefreshGrant(t.Context(), c, refreshToken.Reveal(), issuing.Wish{}); good != (err == nil) {
		t.Errorf("the refresh token: %v, want it to be good: %t", err, good)
	} else if !good {
		wantRefusal(t, err, issuing.InvalidGrant)
	}
}

func TestAGrantOfAnotherNamespaceSpeaksForTheUsersTenant(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace))
	refreshToken := deliveredIn(t, x, away)
	issued := refresh(t, x, refreshToken)
	checked, err := x.Service.Introspect(t.Context(), authenticated(t, x, "billing"), issued.AccessToken.Reveal())
	if err != nil {
		t.Fatalf("introspect: %v", err)
	}
	if diff := cmp.Diff(issued.Access, checked.Access); diff != "" {
		t.Errorf("(-issued +checked):\n%s", diff)
	}
	type says struct{ issuer, subject, grant, namespace string }
	a := checked.Access
	want := says{x.Issuer, gen.Subject("alice"), gen.GrantID("nightly"), away}
	if got := (says{a.Issuer, a.Subject, a.GrantID, a.GrantNamespace}); got != want {
		t.Errorf("the token says %+v, want %+v", got, want)
	}
	// In the grant's own namespace there is no such tenant, and with a keyring there it is as foreign as
	// any other.
	_, err = x.Service.Check(t.Context(), away, issued.AccessToken.Reveal())
	wantRefusal(t, err, issuing.UnknownTenant)
}

// TestWhatEndsATokenThatCrosses asks twice, as TestWhatEndsAToken does.
func TestWhatEndsATokenThatCrosses(t *testing.T) {
	t.Parallel()
	there := func(mods ...func(*v1alpha1.RefreshTokenGrant)) func(*tenant.Tenant) {
		return func(x *tenant.Tenant) { x.Directory.Put(crossing(away, gen.Namespace, mods...)) }
	}
	userAllows := func(allowed *v1alpha1.AllowedGrants) func(*tenant.Tenant) {
		return func(x *tenant.Tenant) { x.Put(alice(gen.UserAllows(allowed))) }
	}
	clientAllows := func(allowed *v1alpha1.AllowedGrants) func(*tenant.Tenant) {
		return func(x *tenant.Tenant) { x.Put(billing(gen.ClientAllows(allowed))) }
	}
	label := func(value string) func(*tenant.Tenant) {
		return func(x *tenant.Tenant) {
			x.Directory.Put(gen.LabelledNamespace(away, map[string]string{"trust": value}))
		}
	}
	// bob and stock permit the namespace too: what ends alice's tokens must not live on by their leave.
	strangers := func(x *tenant.Tenant) {
		bob := gen.AuthUser("bob", gen.UserScopes("orders:*"), gen.UserAllows(gen.ToNames(away)))
		stock := gen.AuthClient("stock", gen.EveryGrantType(), gen.DefaultScopes("orders:read"), gen.ClientScopes("orders:*"), gen.ClientAllows(gen.ToNames(away)))
		x.Put(bob, stock)
	}
	bySelector := userAllows(gen.ToLabelled("trust", "orders"))
	tests := map[string]struct {
		changes []func(*tenant.Tenant)
		lives   bool
		// others tells that the refresh token is good all the same: it is the grant's, for whomever.
		others bool
	}{
		"nothing does":                            {nil, true, false},
		"the user's consent being taken back":     {[]func(*tenant.Tenant){userAllows(nil)}, false, false},
		"the client's consent being taken back":   {[]func(*tenant.Tenant){clientAllows(nil)}, false, false},
		"the user's consent for another":          {[]func(*tenant.Tenant){userAllows(gen.ToNames("team-c"))}, false, false},
		"not a consent that is given again":       {[]func(*tenant.Tenant){userAllows(nil), userAllows(gen.ToNames(away))}, true, false},
		"not a consent by a label that is there":  {[]func(*tenant.Tenant){label("orders"), bySelector}, true, false},
		"a consent by a label that is not there":  {[]func(*tenant.Tenant){bySelector}, false, false},
		"a label that is taken off":               {[]func(*tenant.Tenant){label("orders"), bySelector, label("none")}, false, false},
		"not a label that is put on again":        {[]func(*tenant.Tenant){label("orders"), bySelector, label("none"), label("orders")}, true, false},
		"the user being deleted":                  {[]func(*tenant.Tenant){func(x *tenant.Tenant) { x.Remove(alice()) }}, false, false},
		"the user being disabled":                 {[]func(*tenant.Tenant){func(x *tenant.Tenant) { x.Put(alice(gen.UserAllows(gen.ToNames(away)), gen.Disabled())) }}, false, false},
		"the client being deleted":                {[]func(*tenant.Tenant){func(x *tenant.Tenant) { x.Remove(billing()) }}, false, false},
		"the grant being suspended":               {[]func(*tenant.Tenant){there(gen.GrantState(v1alpha1.GrantStateSuspended))}, false, false},
		"the grant's epoch being moved":           {[]func(*tenant.Tenant){there(gen.Epoch(2))}, false, false},
		"the grant being made again":              {[]func(*tenant.Tenant){there()}, true, false},
		"the grant being made again for bob":      {[]func(*tenant.Tenant){strangers, there(gen.ForUser("bob"))}, false, true},
		"the grant being made again for stock":    {[]func(*tenant.Tenant){strangers, there(gen.ForClient("stock"))}, false, false},
		"the grant being made again for wazo":     {[]func(*tenant.Tenant){there(gen.ForWazo("billing"))}, false, false},
		"the user's name going to somebody else":  {[]func(*tenant.Tenant){func(x *tenant.Tenant) { x.Put(alice(gen.UserAllows(gen.ToNames(away)), anewAs("another"))) }}, false, true},
		"not a grant of its id in another tenant": {[]func(*tenant.Tenant){func(x *tenant.Tenant) { x.Put(nightly()) }}, true, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := neighbours(t, crossing(away, gen.Namespace))
			refreshToken := deliveredIn(t, x, away)
			access := refresh(t, x, refreshToken).AccessToken
			wantBoth(t, x, access, refreshToken, true)
			for _, change := range tc.changes {
				change(x)
			}
			wantAccess(t, x, access, tc.lives)
			wantRefresh(t, x, refreshToken, tc.lives || tc.others)
		})
	}
}

// TestANamespaceThatIsNotReadVouchesForNothing: what is known of a grant there may be out of date by
// any time, and a namespace that nobody watches has none.
func TestANamespaceThatIsNotReadVouchesForNothing(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace))
	refreshToken := deliveredIn(t, x, away)
	access := refresh(t, x, refreshToken).AccessToken
	for name, tc := range map[string]struct {
		reading  func(*directory.Directory, string)
		ofAccess issuing.Reason
		ofGrant  issuing.Reason
	}{
		"awaited":    {(*directory.Directory).Await, issuing.Unavailable, issuing.Unavailable},
		"unreadable": {(*directory.Directory).MarkLost, issuing.Unavailable, issuing.Unavailable},
		"stale":      {func(d *directory.Directory, namespace string) { d.MarkRead(namespace, tenant.Start) }, issuing.Unavailable, issuing.Unavailable},
		"unwatched":  {func(*directory.Directory, string) {}, issuing.UnknownToken, issuing.InvalidGrant},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			later := team(t, permitting()...)
			later.Directory.Put(crossing(away, gen.Namespace))
			tc.reading(later.Directory, away)
			_, err := later.Service.Check(t.Context(), later.Namespace, access.Reveal())
			wantRefusal(t, err, tc.ofAccess)
			_, err = later.Service.RefreshGrant(t.Context(), authenticated(t, later, "billing"), refreshToken.Reveal(), issuing.Wish{})
			wantRefusal(t, err, tc.ofGrant)
		})
	}
}

// TestAbsenceAndRefusalAreOneAnswer: whoever may make grants learns nothing of users, clients, keys
// and namespaces that do not permit them.
func TestAbsenceAndRefusalAreOneAnswer(t *testing.T) {
	t.Parallel()
	broken := errors.New("a keyring's secret trouble")
	const (
		user = `spec.userRef: AuthUser "alice" does not exist or does not permit this grant`
		app  = `spec.clientRef: AuthClient "billing" does not exist or does not permit this grant`
	)
	for name, tc := range map[string]struct {
		given func(*tenant.Tenant)
		want  string
	}{
		"nobody watches the namespace":         {func(*tenant.Tenant) {}, user},
		"there is no user":                     {func(x *tenant.Tenant) { x.Put(billing()) }, user},
		"the user gives no leave":              {func(x *tenant.Tenant) { x.Put(alice(), billing()) }, user},
		"the user is disabled besides":         {func(x *tenant.Tenant) { x.Put(alice(gen.Disabled())) }, user},
		"the user gives others leave":          {func(x *tenant.Tenant) { x.Put(alice(gen.UserAllows(gen.ToNames("team-c")))) }, user},
		"the user gives none, the client does": {func(x *tenant.Tenant) { x.Put(alice(), permitting()[1]) }, user},
		"the keyring is broken besides":        {func(x *tenant.Tenant) { x.Put(alice()); x.Directory.SetRing(x.Namespace, nil, broken) }, user},
		"the user alone gives leave":           {func(x *tenant.Tenant) { x.Put(permitting()[0], billing()) }, app},
		"there is no client":                   {func(x *tenant.Tenant) { x.Put(permitting()[0]) }, app},
		"there is no client and no keyring": {func(x *tenant.Tenant) {
			x.Put(permitting()[0])
			x.Directory.SetRing(x.Namespace, nil, broken)
		}, app},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := tenant.Memory(t)
			tc.given(x)
			g := &directory.Grant{RefreshTokenGrant: crossing(away, x.Namespace, gen.GrantScopes("everything"))}
			x.Directory.Put(g.RefreshTokenGrant)
			_, got := issuing.GrantTerms(x.Directory.TenantOf(g), g, x.Clock.Now())
			if want := (directory.Standing{Reason: v1alpha1.ReasonRefNotPermitted, Message: tc.want}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestTwoGrantsOfOneIDShareNoToken: of what a token is derived from, these differ in their namespace
// alone.
func TestTwoGrantsOfOneIDShareNoToken(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace))
	x.Put(nightly())
	there, _ := x.Directory.Tenant(away)
	seen := map[string]string{}
	for namespace, rows := range map[string]*directory.Tenant{x.Namespace: x.Rows(t), away: there} {
		g, _ := rows.Grant("nightly")
		terms, standing := issuing.GrantTerms(x.Rows(t), g, x.Clock.Now())
		if !standing.Good() {
			t.Fatalf("%s may not issue: %+v", namespace, standing)
		}
		now := x.Clock.Now()
		digest := terms.Digest(now)
		for what, token := range map[string]string{
			"the token id":        issuing.TokenID(x.Ring, &terms)(now, digest),
			"the reference token": x.Ring.ReferenceToken(terms.GrantID, terms.Epoch, now, digest),
			"the refresh token":   deliveredIn(t, x, namespace).Reveal(),
		} {
			if seen[token] != "" {
				t.Errorf("%s of %s is that of the other one", what, namespace)
			}
			seen[token] = what
		}
	}
}

// TestAGrantElsewhereSaysNothingOfLogins: it may look as if the endpoint had made it. Then it would be
// good without being delivered, and tell when its user is to have proven a password.
func TestAGrantElsewhereSaysNothingOfLogins(t *testing.T) {
	t.Parallel()
	forged := gen.FromLogin(tenant.Start.Add(time.Hour), "")
	x := neighbours(t, crossing(away, gen.Namespace, forged, gen.DeliversRefreshToken()))
	if issued := refresh(t, x, deliveredIn(t, x, away)); !issued.Access.AuthTime.IsZero() {
		t.Errorf("the token says auth_time %s", issued.Access.AuthTime)
	}
	x.Directory.Put(crossing(away, gen.Namespace, forged))
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), deliveredIn(t, x, away).Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}

func TestTheFormOfARefreshTokenThatCrosses(t *testing.T) {
	t.Parallel()
	x := neighbours(t, crossing(away, gen.Namespace))
	token := deliveredIn(t, x, away).Reveal()
	c := authenticated(t, x, "billing")
	x.Put(nightly()) // of the same id, for whoever takes the namespace out
	for name, text := range map[string]string{
		"without its namespace":  strings.Replace(token, "."+away+".", ".", 1),
		"with another namespace": strings.Replace(token, "."+away+".", ".team-c.", 1),
		"with the tenant's":      strings.Replace(token, "."+away+".", "."+x.Namespace+".", 1),
	} {
		if text == token {
			t.Fatalf("%s: the token was not changed", name)
		}
		_, err := x.Service.RefreshGrant(t.Context(), c, text, issuing.Wish{})
		if err == nil || issuing.AsRefusal(err).Reason != issuing.InvalidGrant {
			t.Errorf("%s: %v", name, err)
		}
	}
}
