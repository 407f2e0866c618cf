package issuing_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// verified is what a JWT says, read from the token itself.
func verified(t *testing.T, x *tenant.Tenant, issued *issuing.Issued) *tokens.Access {
	t.Helper()
	access, _, err := tokens.Verify(x.Ring, issued.AccessToken.Reveal())
	if err != nil {
		t.Fatalf("verify the token: %v", err)
	}
	return access
}

func TestPasswordLoginWithoutRefreshWritesNothing(t *testing.T) {
	t.Parallel()
	x := team(t, billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
	issued := login(t, x, issuing.Wish{Scopes: []string{"orders:read", "profile"}})
	got := verified(t, x, issued)
	user, _ := x.Rows(t).User("alice")
	version, _ := x.Rows(t).CredentialVersion(user)
	want := &tokens.Access{
		Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: gen.Subject("alice"), ClientID: "billing",
		Audiences: []string{orders, "https://stock.example.com"}, Scopes: []string{"orders:read", "profile"},
		ID:       got.ID,
		IssuedAt: tenant.Start, NotBefore: tenant.Start.Add(-time.Minute), ExpiresAt: tenant.Start.Add(time.Hour),
		AuthTime: tenant.Start, CredentialVersion: version,
		Profile: &tokens.Profile{Name: "Alice Doe", GivenName: "Alice", FamilyName: "Doe"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !issued.RefreshToken.IsZero() {
		t.Error("a client that may not refresh got a refresh token")
	}
	if !tokens.IsReference(got.ID) {
		t.Errorf("jti is %q, want a random UUID", got.ID)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	x := team(t)
	issued, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	got := verified(t, x, issued)
	want := &tokens.Access{
		Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: "billing", ClientID: "billing",
		Audiences: []string{orders, "https://stock.example.com"}, Scopes: []string{"orders:read"},
		ID:       got.ID,
		IssuedAt: tenant.Start, NotBefore: tenant.Start.Add(-time.Minute), ExpiresAt: tenant.Start.Add(time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !issued.RefreshToken.IsZero() {
		t.Error("a client that acts for itself got a refresh token")
	}
}

func TestWhatAClientMayAskFor(t *testing.T) {
	t.Parallel()
	many := make([]string, 65)
	for i := range many {
		many[i] = "orders:" + strconv.Itoa(i)
	}
	long := "orders:" + strings.Repeat("x", 250)
	large := make([]string, 64)
	for i := range large {
		large[i] = long[:250] + strconv.Itoa(i)
	}
	tests := map[string]struct {
		wish       issuing.Wish
		client     *v1alpha1.AuthClient
		wantScopes []string
		want       issuing.Reason // empty: granted
	}{
		"no scope means the default":                          {wantScopes: []string{"orders:read"}},
		"no scope and no default means none":                  {client: billing(gen.DefaultScopes()), wantScopes: nil},
		"scopes keep their order and lose repetitions":        {wish: issuing.Wish{Scopes: []string{"orders:write", "email", "orders:write"}}, wantScopes: []string{"orders:write", "email"}},
		"as many scopes as a grant holds":                     {wish: issuing.Wish{Scopes: many[:64]}, wantScopes: many[:64]},
		"more scopes than a grant holds":                      {wish: issuing.Wish{Scopes: many}, want: issuing.InvalidScope},
		"one scope too much refuses all of them":              {wish: issuing.Wish{Scopes: []string{"orders:read", "stock:read"}}, want: issuing.InvalidScope},
		"as long a scope as a grant holds":                    {wish: issuing.Wish{Scopes: []string{long[:256]}}, wantScopes: []string{long[:256]}},
		"a longer scope than a grant holds":                   {wish: issuing.Wish{Scopes: []string{long}}, want: issuing.InvalidScope},
		"more than one token holds":                           {wish: issuing.Wish{Scopes: large}, want: issuing.InvalidScope},
		"a pattern is no scope":                               {wish: issuing.Wish{Scopes: []string{"orders:*"}}, want: issuing.InvalidScope},
		"a scope in quotes is none":                           {wish: issuing.Wish{Scopes: []string{`"orders:read"`}}, want: issuing.InvalidScope},
		"the operator's own scopes have to be literal":        {client: billing(gen.ClientScopes("#")), wish: issuing.Wish{Scopes: []string{"auth.users.read"}}, want: issuing.InvalidScope},
		"the operator's own scopes, where they are literal":   {client: billing(gen.ClientScopes("auth.users.read")), wish: issuing.Wish{Scopes: []string{"auth.users.read"}}, wantScopes: []string{"auth.users.read"}},
		"an audience of the client's":                         {wish: issuing.Wish{Audiences: []string{orders}}, wantScopes: []string{"orders:read"}},
		"an audience that is another client's":                {wish: issuing.Wish{Audiences: []string{"https://other.example.com"}}, want: issuing.InvalidTarget},
		"audiences are compared to the letter":                {wish: issuing.Wish{Audiences: []string{orders + "/"}}, want: issuing.InvalidTarget},
		"the issuer is the audience of a client without any":  {client: billing(gen.ClientAudiences()), wish: issuing.Wish{Audiences: []string{"https://auth.example.com/t/team-a"}}, wantScopes: []string{"orders:read"}},
		"the issuer is no audience of a client that has some": {wish: issuing.Wish{Audiences: []string{"https://auth.example.com/t/team-a"}}, want: issuing.InvalidTarget},
		"a grant type that the client does not list":          {client: billing(gen.GrantTypes(v1alpha1.GrantTypePassword)), want: issuing.UnauthorizedClient},
		"a client that lists no grant types may only refresh": {client: billing(gen.GrantTypes()), want: issuing.UnauthorizedClient},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, orElse(tc.client, billing()))
			issued, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), tc.wish)
			if tc.want != "" {
				wantRefusal(t, err, tc.want)
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if diff := cmp.Diff(tc.wantScopes, verified(t, x, issued).Scopes); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryFailedLoginLooksTheSame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		user     *v1alpha1.AuthUser
		login    string
		password string
		fails    bool
	}{
		"by username":                        {login: "alice", password: password},
		"by username in another case":        {login: "ALICE", password: password},
		"by e-mail address":                  {login: "Alice@Example.com", password: password},
		"by a username of its own":           {user: alice(gen.Username("Doe")), login: "doe", password: password},
		"not by the object's name then":      {user: alice(gen.Username("Doe")), login: "alice", password: password, fails: true},
		"a wrong password":                   {login: "alice", password: "wrong", fails: true},
		"an unknown user":                    {login: "bob", password: password, fails: true},
		"a disabled user":                    {user: alice(gen.Disabled()), login: "alice", password: password, fails: true},
		"an expired user":                    {user: alice(gen.UserExpires(tenant.Start)), login: "alice", password: password, fails: true},
		"a user without a password":          {user: alice(func(u *v1alpha1.AuthUser) { u.Spec.Password = nil }), login: "alice", password: password, fails: true},
		"a user whose Secret is missing":     {user: gen.AuthUser("carol", gen.Password()), login: "carol", password: password, fails: true},
		"a user whose subject is not set":    {user: alice(func(u *v1alpha1.AuthUser) { u.Spec.Subject = "" }), login: "alice", password: password, fails: true},
		"a login that an incumbent holds":    {user: gen.AuthUser("b-alice", gen.Username("alice"), gen.Password()), login: "alice", password: password},
		"an empty password is never the one": {user: alice(func(u *v1alpha1.AuthUser) { u.Spec.Password = nil }), login: "alice", password: "", fails: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, orElse(tc.user, alice()), billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
			presented := issuing.Credentials{Login: tc.login, Password: sensitive.New(tc.password), Source: "192.0.2.7"}
			issued, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), presented, "", issuing.Wish{})
			if !tc.fails {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				if issued.Access.Subject != gen.Subject("alice") {
					t.Errorf("the token is for %q", issued.Access.Subject)
				}
				return
			}
			want := "InvalidGrant: the user or the password is wrong"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestLockoutCountsANetworkAndComesBeforeThePassword(t *testing.T) {
	t.Parallel()
	x := team(t, billing(gen.GrantTypes(v1alpha1.GrantTypePassword)))
	attempt := func(source, password string) error {
		presented := issuing.Credentials{Login: "alice", Password: sensitive.New(password), Source: source}
		_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), presented, "", issuing.Wish{})
		return err
	}
	for i := range 5 {
		wantRefusal(t, attempt("2001:db8::"+strconv.Itoa(i), "wrong"), issuing.InvalidGrant)
	}
	err := attempt("2001:db8::ff", password)
	wantRefusal(t, err, issuing.LockedOut)
	if wait := issuing.AsRefusal(err).RetryAfter; wait <= 0 || wait > time.Second {
		t.Errorf("RetryAfter is %s, want up to a second", wait)
	}
	if err := attempt("2001:db8:1::1", password); err != nil {
		t.Errorf("another network is locked out, too: %v", err)
	}
	x.Clock.Step(time.Second)
	if err := attempt("2001:db8::ff", password); err != nil {
		t.Errorf("still locked out after the wait: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken(), gen.GrantScopes("orders:write", "orders:read")))
	presented := delivered(t, x, "nightly")
	tests := map[string]struct {
		wish          issuing.Wish
		wantScopes    []string
		wantAudiences []string
		want          issuing.Reason // empty: granted
	}{
		"all that was granted": {
			wantScopes: []string{"orders:write", "orders:read"}, wantAudiences: []string{orders, "https://stock.example.com"},
		},
		"fewer scopes": {
			wish:       issuing.Wish{Scopes: []string{"orders:read"}},
			wantScopes: []string{"orders:read"}, wantAudiences: []string{orders, "https://stock.example.com"},
		},
		"fewer audiences": {
			wish:       issuing.Wish{Audiences: []string{orders}},
			wantScopes: []string{"orders:write", "orders:read"}, wantAudiences: []string{orders},
		},
		"a scope that client and user allow but the grant lacks": {wish: issuing.Wish{Scopes: []string{"profile"}}, want: issuing.InvalidScope},
		"a malformed scope":              {wish: issuing.Wish{Scopes: []string{"orders:#"}}, want: issuing.InvalidScope},
		"an audience beyond the grant's": {wish: issuing.Wish{Audiences: []string{"https://other.example.com"}}, want: issuing.InvalidTarget},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issued, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), presented.Reveal(), tc.wish)
			if tc.want != "" {
				wantRefusal(t, err, tc.want)
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			got := verified(t, x, issued)
			want := &tokens.Access{
				Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: gen.Subject("alice"), ClientID: "billing",
				Audiences: tc.wantAudiences, Scopes: tc.wantScopes, ID: got.ID,
				IssuedAt: tenant.Start, NotBefore: tenant.Start.Add(-time.Minute), ExpiresAt: tenant.Start.Add(time.Hour),
				GrantID: gen.GrantID("nightly"), Epoch: 1,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !issued.RefreshToken.Equal(presented) {
				t.Error("the refresh token changed: a Confidential client's does not rotate")
			}
		})
	}
}

func TestTheProfileGoesWithItsScope(t *testing.T) {
	t.Parallel()
	x := team(t, gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken(), gen.GrantScopes("profile", "email")))
	wish := issuing.Wish{Scopes: []string{"email"}}
	issued, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), delivered(t, x, "nightly").Reveal(), wish)
	if err != nil {
		t.Fatal(err)
	}
	want := &tokens.Profile{Email: "alice@example.com", EmailVerified: true}
	if diff := cmp.Diff(want, verified(t, x, issued).Profile); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRefreshTokensThatDoNotCount changes one thing between the making of a refresh token and its
// use.
func TestRefreshTokensThatDoNotCount(t *testing.T) {
	t.Parallel()
	nightly := func(mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
		return gen.RefreshTokenGrant("nightly", append([]func(*v1alpha1.RefreshTokenGrant){gen.DeliversRefreshToken()}, mods...)...)
	}
	same := func(token string) string { return token }
	tests := map[string]struct {
		change func(x *tenant.Tenant)
		alter  func(token string) string
		client string // absent: billing
	}{
		"another client's":                  {client: "shop"},
		"one bit off":                       {alter: func(token string) string { return flip(token) }},
		"of another epoch than it says":     {alter: func(token string) string { return strings.Replace(token, ".1.", ".2.", 1) }},
		"nothing like a refresh token":      {alter: func(string) string { return "none" }},
		"the grant's epoch moved":           {change: func(x *tenant.Tenant) { x.Put(nightly(gen.Epoch(2))) }},
		"the grant was suspended":           {change: func(x *tenant.Tenant) { x.Put(nightly(gen.GrantState(v1alpha1.GrantStateSuspended))) }},
		"the grant was revoked":             {change: func(x *tenant.Tenant) { x.Put(nightly(gen.GrantState(v1alpha1.GrantStateRevoked))) }},
		"the grant expired":                 {change: func(x *tenant.Tenant) { x.Put(nightly(gen.GrantExpires(tenant.Start))) }},
		"the grant is another client's now": {change: func(x *tenant.Tenant) { x.Put(nightly(gen.ForClient("shop"))) }},
		"the grant is a wazo one now":       {change: func(x *tenant.Tenant) { x.Put(nightly(gen.ForWazo("billing"))) }},
		"the grant lost its refresh token": {change: func(x *tenant.Tenant) {
			x.Put(nightly(func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken = nil }))
		}},
		"the refresh token is not delivered any more": {change: func(x *tenant.Tenant) {
			x.Put(nightly(func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.Delivery = v1alpha1.RefreshTokenDeliveryNone }))
		}},
		"the refresh token is of another key": {change: func(x *tenant.Tenant) {
			x.Put(nightly(func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.KeyVersion = 2 }))
		}},
		"the refresh token was replaced": {change: func(x *tenant.Tenant) {
			x.Put(nightly(func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.Generation = 2 }))
		}},
		"the user was disabled":                {change: func(x *tenant.Tenant) { x.Put(alice(gen.Disabled())) }},
		"the user expired":                     {change: func(x *tenant.Tenant) { x.Put(alice(gen.UserExpires(tenant.Start))) }},
		"the user is gone":                     {change: func(x *tenant.Tenant) { x.Remove(alice()) }},
		"the user lost a scope of the grant's": {change: func(x *tenant.Tenant) { x.Put(nightly(gen.GrantScopes("email")), alice(gen.UserScopes("orders:*"))) }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, nightly(), gen.AuthClient("shop"), gen.ClientSecret("shop", clientSecret))
			token := delivered(t, x, "nightly").Reveal()
			if tc.alter == nil {
				tc.alter = same
			}
			if tc.change != nil {
				tc.change(x)
			}
			client := "billing"
			if tc.client != "" {
				client = tc.client
			}
			_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, client), tc.alter(token), issuing.Wish{})
			want := "InvalidGrant: the refresh token is not good for this client"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// flip changes the last character of a token, which encodes bits of its MAC or signature.
func flip(token string) string {
	last := byte('A')
	if token[len(token)-1] == last {
		last = 'E'
	}
	return token[:len(token)-1] + string(last)
}

func TestARefreshTokenOfAPasswordDiesWithIt(t *testing.T) {
	t.Parallel()
	x := team(t)
	user, _ := x.Rows(t).User("alice")
	version, ok := x.Rows(t).CredentialVersion(user)
	if !ok {
		t.Fatal("alice has no password")
	}
	fromPassword := gen.RefreshTokenGrant("from-password", gen.FromLogin(tenant.Start, version), gen.GrantScopes("orders:read"))
	applied := gen.RefreshTokenGrant("applied", gen.DeliversRefreshToken())
	x.Put(fromPassword, applied)
	mine, theirs := delivered(t, x, "from-password"), delivered(t, x, "applied")

	got := verified(t, x, refresh(t, x, mine))
	if got.CredentialVersion != version || !got.AuthTime.Equal(tenant.Start) {
		t.Errorf("the token says cv %q and auth_time %s, want those of the login", got.CredentialVersion, got.AuthTime)
	}
	x.Put(gen.PasswordSecret("alice", "another one"))
	_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), mine.Reveal(), issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
	if got := verified(t, x, refresh(t, x, theirs)); got.CredentialVersion != "" || !got.AuthTime.IsZero() {
		t.Errorf("an applied grant's token says cv %q and auth_time %s, want none", got.CredentialVersion, got.AuthTime)
	}
}

func TestNoJWTOutlivesTheCeiling(t *testing.T) {
	t.Parallel()
	soon := tenant.Start.Add(10 * time.Minute)
	tests := map[string]struct {
		user   *v1alpha1.AuthUser
		client *v1alpha1.AuthClient
		want   time.Duration
	}{
		"a lifetime below the ceiling is the client's": {client: billing(gen.ClientTTL("2h")), want: 2 * time.Hour},
		"a lifetime above it is cut":                   {client: billing(gen.ClientTTL("48h")), want: tenant.MaxJWTTTL},
		"a user's end comes first":                     {user: alice(gen.UserExpires(soon)), want: 10 * time.Minute},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, orElse(tc.user, alice()), orElse(tc.client, billing()), gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken()))
			got := verified(t, x, refresh(t, x, delivered(t, x, "nightly")))
			if lifetime := got.ExpiresAt.Sub(got.IssuedAt); lifetime != tc.want {
				t.Errorf("the token lives %s, want %s", lifetime, tc.want)
			}
		})
	}
}

func TestTokensAreSignedWithTheClientsAlgorithm(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []v1alpha1.SigningAlgorithm{v1alpha1.SigningAlgorithmES256, v1alpha1.SigningAlgorithmRS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			x := team(t, billing(gen.SignedWith(algorithm)))
			issued, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			_, id, err := tokens.Verify(x.Ring, issued.AccessToken.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			signer, err := x.Ring.Signer(keys.Algorithm(algorithm))
			if err != nil {
				t.Fatal(err)
			}
			if id != signer.ID {
				t.Errorf("signed with %q, want the current key %q", id, signer.ID)
			}
		})
	}
}

// TestTokenIDsDiffer holds for tokens of one second, from which all else follows.
func TestTokenIDsDiffer(t *testing.T) {
	t.Parallel()
	x := team(t)
	var ids []string
	for range 8 {
		issued, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, issued.Access.ID)
	}
	slices.Sort(ids)
	if distinct := len(slices.Compact(ids)); distinct != 8 {
		t.Errorf("8 tokens have %d ids", distinct)
	}
}
