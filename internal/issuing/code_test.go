package issuing_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// The verifier and challenge of RFC 7636, appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	appRedirect     = "https://app.example.com/cb"
	billingRedirect = "https://billing.example.com/cb"
)

// app is a public client.
func app(mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	return gen.AuthClient("app", append([]func(*v1alpha1.AuthClient){
		gen.PublicClient(), gen.GrantTypes(v1alpha1.GrantTypeRefreshToken), gen.RedirectURIs(appRedirect, "http://127.0.0.1/cb"),
		gen.ClientScopes("orders:*", "profile"), gen.DefaultScopes("orders:read"), gen.ClientAudiences(orders, "https://stock.example.com"),
	}, mods...)...)
}

// web is a confidential client that gets no refresh token.
func web(mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	return gen.AuthClient("web", append([]func(*v1alpha1.AuthClient){
		gen.GrantTypes(), gen.RedirectURIs(billingRedirect), gen.ClientScopes("orders:*"), gen.ConsentImplied(),
	}, mods...)...)
}

// asking is a request of app's that may be made, changed by mods.
func asking(mods ...func(*issuing.AuthorizationRequest)) issuing.AuthorizationRequest {
	r := issuing.AuthorizationRequest{
		ClientID: "app", RedirectURI: appRedirect, ResponseType: "code",
		CodeChallenge: challenge, CodeChallengeMethod: "S256",
		Wish: issuing.Wish{Scopes: []string{"orders:read", "profile"}},
	}
	for _, mod := range mods {
		mod(&r)
	}
	return r
}

// askingForWeb is a request of web's that may be made.
func askingForWeb(r *issuing.AuthorizationRequest) {
	*r = issuing.AuthorizationRequest{ClientID: "web", ResponseType: "code"}
}

// authorized is a request that has to be good, and a browser in which alice has just logged in.
func authorized(t testing.TB, x *tenant.Tenant, request issuing.AuthorizationRequest) (*issuing.Authorization, *issuing.Browser) {
	t.Helper()
	a, err := x.Service.Authorize(x.Namespace, request)
	if err != nil {
		t.Fatalf("authorize: %v", err)
	}
	b, err := x.Service.LogIn(t.Context(), a, asAlice())
	if err != nil {
		t.Fatalf("log in: %v", err)
	}
	return a, b
}

// code is an authorization code for alice.
func code(t testing.TB, x *tenant.Tenant, request issuing.AuthorizationRequest) sensitive.String {
	t.Helper()
	a, b := authorized(t, x, request)
	terms, err := a.TermsFor(b)
	if err != nil {
		t.Fatalf("find the terms: %v", err)
	}
	code, err := x.Service.Code(t.Context(), a, b, terms)
	if err != nil {
		t.Fatalf("make a code: %v", err)
	}
	return code
}

// public is a client that has named itself.
func public(t testing.TB, x *tenant.Tenant) *issuing.AuthenticatedClient {
	t.Helper()
	c, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{ClientID: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func redemption(code sensitive.String, mods ...func(*issuing.Redemption)) issuing.Redemption {
	r := issuing.Redemption{Code: code, Verifier: sensitive.New(verifier), RedirectURI: appRedirect, UserAgent: "an app", Source: "192.0.2.7"}
	for _, mod := range mods {
		mod(&r)
	}
	return r
}

// ofWeb is a redemption by web, which sent neither a redirect URI nor a challenge.
func ofWeb(r *issuing.Redemption) { r.Verifier, r.RedirectURI = sensitive.String{}, "" }

func TestACodeGivesTheTokensOfItsLogin(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, app())
	presented := code(t, x.Tenant, asking())
	x.Clock.Step(30 * time.Second)
	issued, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), redemption(presented), issuing.Wish{Audiences: []string{orders}})
	if err != nil {
		t.Fatal(err)
	}
	grants := x.Grants(t)
	if len(grants) != 1 {
		t.Fatalf("there are %d grants, want 1", len(grants))
	}
	user, _ := x.Rows(t).User("alice")
	version, _ := x.Rows(t).CredentialVersion(user)
	redeemed := tenant.Start.Add(30 * time.Second)
	want := &tokens.Access{
		Dialect: tokens.OAuth2, Issuer: x.Issuer, Subject: user.Subject(), ClientID: "app",
		Audiences: []string{orders}, Scopes: []string{"orders:read", "profile"},
		IssuedAt: redeemed, NotBefore: redeemed.Add(-time.Minute), ExpiresAt: redeemed.Add(time.Hour),
		AuthTime: tenant.Start, CredentialVersion: version, GrantID: grants[0].Spec.ID, Epoch: 1,
		Profile: &tokens.Profile{Name: "Alice Doe", GivenName: "Alice", FamilyName: "Doe"},
	}
	if diff := cmp.Diff(want, verified(t, x.Tenant, issued), cmpopts.IgnoreFields(tokens.Access{}, "ID")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	login := grants[0].Spec.Login
	if !login.AuthTime.Time.Equal(tenant.Start) || !login.IssuedAt.Time.Equal(redeemed) || !login.CodeExpiresAt.Time.Equal(tenant.Start.Add(time.Minute)) {
		t.Errorf("the grant's login is %+v", login)
	}
	if login.UserAgent != "an app" || issued.Access.UserAgent != "an app" || issued.Access.RemoteAddress != "192.0.2.7" {
		t.Errorf("the login came from %q, the token from %q at %q", login.UserAgent, issued.Access.UserAgent, issued.Access.RemoteAddress)
	}
	if diff := cmp.Diff([]string{orders, "https://stock.example.com"}, grants[0].Spec.Audiences); diff != "" {
		t.Errorf("the grant's audiences (-want +got):\n%s", diff)
	}
	if writes := x.Writes.Load(); writes != 1 {
		t.Errorf("a login with a code made %d writes, want 1", writes)
	}
	refreshed, err := x.Service.RefreshGrant(t.Context(), public(t, x.Tenant), issued.RefreshToken.Reveal(), issuing.Wish{})
	if err != nil || refreshed.RefreshToken.Reveal() == issued.RefreshToken.Reveal() {
		t.Errorf("a public client's refresh token does not rotate (%v)", err)
	}
}

// TestACodeIsGoodOnce tells of both kinds of clients: what the first use got is dead after the second.
func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		client   func(testing.TB, *tenant.Tenant) *issuing.AuthenticatedClient
		request  issuing.AuthorizationRequest
		mods     []func(*issuing.Redemption)
		wantKind string
	}{
		"with a refresh token":                       {public, asking(), nil, "grant"},
		"without a refresh token":                    {ofName("web"), asking(askingForWeb), []func(*issuing.Redemption){ofWeb}, "revocation"},
		"without a refresh token, a reference token": {ofName("opaque"), asking(askingForWeb, fromClient("opaque")), []func(*issuing.Redemption){ofWeb}, "revocation"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, app(), gen.ClientSecret("web", clientSecret), web(), gen.ClientSecret("opaque", clientSecret), opaque())
			presented := redemption(code(t, x.Tenant, tc.request), tc.mods...)
			issued, err := x.Service.CodeGrant(t.Context(), tc.client(t, x.Tenant), presented, issuing.Wish{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal()); err != nil {
				t.Fatalf("the first token: %v", err)
			}
			for range 2 {
				_, err := x.Service.CodeGrant(t.Context(), tc.client(t, x.Tenant), presented, issuing.Wish{})
				wantRefusal(t, err, issuing.CodeReused)
			}
			x.Await(t, "the first token is dead", func() bool {
				_, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal())
				return err != nil && issuing.AsRefusal(err).Reason == issuing.UnknownToken
			})
			if tc.wantKind == "grant" {
				_, err := x.Service.RefreshGrant(t.Context(), tc.client(t, x.Tenant), issued.RefreshToken.Reveal(), issuing.Wish{})
				wantRefusal(t, err, issuing.InvalidGrant)
			}
			if grants := x.Grants(t); (tc.wantKind == "grant") != (len(grants) == 1) {
				t.Errorf("there are %d grants", len(grants))
			}
		})
	}
}

func opaque() *v1alpha1.AuthClient {
	c := web(gen.ReferenceTokens())
	c.Name, c.Spec.Secret.SecretRef.Name = "opaque", gen.ClientSecret("opaque", "").Name
	return c
}

func fromClient(clientID string) func(*issuing.AuthorizationRequest) {
	return func(r *issuing.AuthorizationRequest) { r.ClientID = clientID }
}

func ofName(clientID string) func(testing.TB, *tenant.Tenant) *issuing.AuthenticatedClient {
	return func(t testing.TB, x *tenant.Tenant) *issuing.AuthenticatedClient {
		t.Helper()
		return authenticated(t, x, clientID)
	}
}

// TestManyRedeemOneCodeAtOnce has two replicas, which share nothing but the API server.
func TestManyRedeemOneCodeAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		client  func(testing.TB, *tenant.Tenant) *issuing.AuthenticatedClient
		request issuing.AuthorizationRequest
		mods    []func(*issuing.Redemption)
	}{
		"with a refresh token":    {public, asking(), nil},
		"without a refresh token": {ofName("web"), asking(askingForWeb), []func(*issuing.Redemption){ofWeb}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, app(), gen.ClientSecret("web", clientSecret), web())
			replicas := []*tenant.Tenant{x.Tenant, x.Replica(t, cp).Tenant}
			presented := redemption(code(t, x.Tenant, tc.request), tc.mods...)
			errs := make([]error, 16)
			issued := make([]*issuing.Issued, len(errs))
			var group sync.WaitGroup
			for i := range errs {
				replica := replicas[i%len(replicas)]
				client := tc.client(t, replica)
				group.Go(func() {
					issued[i], errs[i] = replica.Service.CodeGrant(t.Context(), client, presented, issuing.Wish{})
				})
			}
			group.Wait()
			won := slices.DeleteFunc(issued, func(i *issuing.Issued) bool { return i == nil })
			if len(won) != 1 {
				t.Fatalf("%d of %d got a token, want 1", len(won), len(errs))
			}
			for _, err := range errs {
				if err != nil {
					wantRefusal(t, err, issuing.CodeReused)
				}
			}
			for _, replica := range replicas {
				x.Await(t, "the one token is dead on every replica", func() bool {
					_, err := replica.Service.Check(t.Context(), x.Namespace, won[0].AccessToken.Reveal())
					return err != nil && issuing.AsRefusal(err).Reason == issuing.UnknownToken
				})
			}
		})
	}
}
