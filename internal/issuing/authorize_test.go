package issuing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestARequestWithoutAUser is about what is told before anybody is asked. Where is whether the answer
// may go to the redirect URI.
func TestARequestWithoutAUser(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request issuing.AuthorizationRequest
		put     *v1alpha1.AuthClient
		want    issuing.Reason // empty: good
		where   bool
	}{
		"a good one":                          {request: asking(), where: true},
		"one of a confidential client":        {request: asking(askingForWeb), where: true},
		"an unknown client":                   {request: asking(fromClient("nobody")), want: issuing.InvalidClient},
		"a client that cannot be used":        {request: asking(), put: app(gen.ClientScopes(strings.Repeat("*", 9))), want: issuing.InvalidClient},
		"a redirect URI of nobody's":          {request: asking(func(r *issuing.AuthorizationRequest) { r.RedirectURI = "https://evil.example.com" }), want: issuing.InvalidRequest},
		"one of several redirect URIs":        {request: asking(func(r *issuing.AuthorizationRequest) { r.RedirectURI = "" }), want: issuing.InvalidRequest},
		"a port of a loopback address":        {request: asking(func(r *issuing.AuthorizationRequest) { r.RedirectURI = "http://127.0.0.1:3000/cb" }), where: true},
		"a client that may not":               {request: asking(), put: app(gen.GrantTypes(v1alpha1.GrantTypeRefreshToken)), want: issuing.UnauthorizedClient, where: true},
		"a confidential client's challenge":   {request: asking(askingForWeb, func(r *issuing.AuthorizationRequest) { r.CodeChallenge, r.CodeChallengeMethod = challenge, "S256" }), where: true},
		"a confidential client's plain":       {request: asking(askingForWeb, func(r *issuing.AuthorizationRequest) { r.CodeChallenge = challenge }), want: issuing.InvalidRequest, where: true},
		"too many scopes":                     {request: asking(func(r *issuing.AuthorizationRequest) { r.Scopes = make([]string, 65) }), want: issuing.InvalidScope, where: true},
		"a scope that the client cannot have": {request: asking(func(r *issuing.AuthorizationRequest) { r.Scopes = []string{"email"} }), want: issuing.InvalidScope, where: true},
		"an audience that is not the client's": {request: asking(func(r *issuing.AuthorizationRequest) {
			r.Audiences = []string{"https://x.example.com"}
		}), want: issuing.InvalidTarget, where: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, app(), web(), gen.ClientSecret("web", clientSecret))
			if tc.put != nil {
				x.Put(tc.put)
			}
			a, err := x.Service.Authorize(x.Namespace, tc.request)
			if tc.want != "" {
				wantRefusal(t, err, tc.want)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
			if (a != nil) != tc.where {
				t.Errorf("the answer may go to the redirect URI: %t, want %t", a != nil, tc.where)
			}
		})
	}
}

func TestWhatAnAuthorizationNeeds(t *testing.T) {
	t.Parallel()
	implied := func(c *v1alpha1.AuthClient) { c.Spec.Consent = v1alpha1.ConsentImplied }
	minute := time.Minute
	prompt := func(p issuing.Prompt) func(*issuing.AuthorizationRequest) {
		return func(r *issuing.AuthorizationRequest) { r.Prompt = p }
	}
	tests := map[string]struct {
		client  *v1alpha1.AuthClient
		request issuing.AuthorizationRequest
		want    issuing.Step
	}{
		"consent":                      {app(), asking(), issuing.StepConsent},
		"nothing, where it is implied": {app(implied), asking(), issuing.StepCode},
		"consent, where it is implied and asked for":              {app(implied), asking(prompt(issuing.Prompt{Consent: true})), issuing.StepConsent},
		"consent, where it is implied of a program on the device": {app(implied, gen.RedirectURIs("https://localhost/cb")), asking(func(r *issuing.AuthorizationRequest) { r.RedirectURI = "" }), issuing.StepConsent},
		"a login that is asked for":                               {app(implied), asking(prompt(issuing.Prompt{Login: true})), issuing.StepLogin},
		"nothing, a minute after the login":                       {app(implied), asking(prompt(issuing.Prompt{MaxAge: &minute})), issuing.StepCode},
	}
	for name, tc := range tests {
		x := team(t, tc.client)
		a, b := authorized(t, x, tc.request)
		x.Clock.Step(time.Minute)
		if got, err := x.Service.Next(a, b); got.Step != tc.want || err != nil {
			t.Errorf("%s: %q (%v), want %q", name, got.Step, err, tc.want)
		}
	}
}

// TestConsentIsAskedForOnce and for every new scope; of a client whose place another program could take
// it is asked each time.
func TestConsentIsAskedForOnce(t *testing.T) {
	t.Parallel()
	secure := func(r *issuing.AuthorizationRequest) { r.RedirectURI = "https://localhost/cb" }
	loopback := func(r *issuing.AuthorizationRequest) { r.RedirectURI = "http://127.0.0.1:3000/cb" }
	revoked := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateRevoked }
	ofAnother := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ClientRef.Name = "billing" }
	ofOneAudience := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Audiences = []string{orders} }
	ofPassword := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CodeExpiresAt = nil }
	tests := map[string]struct {
		request issuing.AuthorizationRequest
		change  func(*v1alpha1.RefreshTokenGrant)
		want    issuing.Step
	}{
		"the same again":             {asking(), nil, issuing.StepCode},
		"less than before":           {asking(func(r *issuing.AuthorizationRequest) { r.Scopes = []string{"profile"} }), nil, issuing.StepCode},
		"a scope more":               {asking(func(r *issuing.AuthorizationRequest) { r.Scopes = []string{"orders:read", "orders:write"} }), nil, issuing.StepConsent},
		"by way of a loopback":       {asking(loopback), nil, issuing.StepConsent},
		"by way of a secure one":     {asking(secure), nil, issuing.StepConsent},
		"after it was revoked":       {asking(), revoked, issuing.StepConsent},
		"after another client's":     {asking(), ofAnother, issuing.StepConsent},
		"an audience more":           {asking(), ofOneAudience, issuing.StepConsent},
		"after a login by password":  {asking(), ofPassword, issuing.StepConsent},
		"where it is asked for anew": {asking(func(r *issuing.AuthorizationRequest) { r.Prompt.Consent = true }), nil, issuing.StepConsent},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, app(gen.RedirectURIs(appRedirect, "http://127.0.0.1/cb", "https://localhost/cb")))
			g := gen.RefreshTokenGrant("consented", gen.ForUser("alice"), gen.ForClient("app"), gen.GrantScopes("orders:read", "profile"))
			g.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}
			g.Spec.UserRef.Subject, g.Spec.Audiences = gen.Subject("alice"), []string{orders, "https://stock.example.com"}
			g.Spec.Login = &v1alpha1.GrantLogin{CodeExpiresAt: &g.CreationTimestamp}
			if tc.change != nil {
				tc.change(g)
			}
			x.Put(g)
			a, b := authorized(t, x, tc.request)
			if got, err := x.Service.Next(a, b); got.Step != tc.want || err != nil {
				t.Errorf("%q (%v), want %q", got.Step, err, tc.want)
			}
		})
	}
}

// TestACodeThatIsRefused changes one thing between the code and its use; the code itself stays good.
func TestACodeThatIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		redemption func(*issuing.Redemption)
		change     func(*tenant.OnAPIServer)
		client     func(testing.TB, *tenant.Tenant) *issuing.AuthenticatedClient
		wish       issuing.Wish
		want       issuing.Reason
	}{
		"another verifier":      {redemption: func(r *issuing.Redemption) { r.Verifier = sensitive.New(strings.Repeat("x", 43)) }, want: issuing.InvalidGrant},
		"no verifier":           {redemption: func(r *issuing.Redemption) { r.Verifier = sensitive.String{} }, want: issuing.InvalidGrant},
		"another redirect URI":  {redemption: func(r *issuing.Redemption) { r.RedirectURI = "http://127.0.0.1/cb" }, want: issuing.InvalidGrant},
		"no redirect URI":       {redemption: func(r *issuing.Redemption) { r.RedirectURI = "" }, want: issuing.InvalidGrant},
		"a code that is none":   {redemption: func(r *issuing.Redemption) { r.Code = sensitive.New("made up") }, want: issuing.InvalidGrant},
		"another client":        {client: ofName("web"), want: issuing.InvalidGrant},
		"a client that may not": {client: ofName("billing"), want: issuing.UnauthorizedClient},
		"a minute later":        {change: func(x *tenant.OnAPIServer) { x.Clock.Step(tokens.CodeLifetime) }, want: issuing.InvalidGrant},
		"another password":      {change: func(x *tenant.OnAPIServer) { x.Put(gen.PasswordSecret("alice", "another")) }, want: issuing.InvalidGrant},
		"a user who may not":    {change: func(x *tenant.OnAPIServer) { x.Put(alice(gen.Disabled())) }, want: issuing.InvalidGrant},
		"a scope taken back":    {change: func(x *tenant.OnAPIServer) { x.Put(alice(gen.UserScopes("profile"))) }, want: issuing.InvalidScope},
		"an audience too many":  {wish: issuing.Wish{Audiences: []string{"https://x.example.com"}}, want: issuing.InvalidTarget},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, app(), gen.ClientSecret("web", clientSecret), web())
			presented := redemption(code(t, x.Tenant, asking()))
			if tc.redemption != nil {
				tc.redemption(&presented)
			}
			if tc.change != nil {
				tc.change(x)
			}
			if tc.client == nil {
				tc.client = public
			}
			_, err := x.Service.CodeGrant(t.Context(), tc.client(t, x.Tenant), presented, tc.wish)
			wantRefusal(t, err, tc.want)
			if writes := x.Writes.Load(); writes != 0 {
				t.Errorf("a code that is refused made %d writes", writes)
			}
		})
	}
}

// TestAVerifierWithoutAChallenge: somebody may have taken the challenge out of the request.
func TestAVerifierWithoutAChallenge(t *testing.T) {
	t.Parallel()
	x := team(t, web(), gen.ClientSecret("web", clientSecret))
	presented := redemption(code(t, x, asking(askingForWeb)), func(r *issuing.Redemption) { r.RedirectURI = "" })
	_, err := x.Service.CodeGrant(t.Context(), authenticated(t, x, "web"), presented, issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}

// TestARedirectURIThatWasNotSent: whoever names one now has another request in mind.
func TestARedirectURIThatWasNotSent(t *testing.T) {
	t.Parallel()
	x := team(t, web(), gen.ClientSecret("web", clientSecret))
	presented := redemption(code(t, x, asking(askingForWeb)), ofWeb, func(r *issuing.Redemption) { r.RedirectURI = appRedirect })
	_, err := x.Service.CodeGrant(t.Context(), authenticated(t, x, "web"), presented, issuing.Wish{})
	wantRefusal(t, err, issuing.InvalidGrant)
}

// TestALoginWithoutAScopeStaysWithoutOne whatever the client's defaults become before the code is used.
func TestALoginWithoutAScopeStaysWithoutOne(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, app(gen.DefaultScopes()))
	presented := redemption(code(t, x.Tenant, asking(func(r *issuing.AuthorizationRequest) { r.Scopes = nil })))
	x.Put(app())
	issued, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), presented, issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	if scopes := issued.Access.Scopes; len(scopes) != 0 {
		t.Errorf("the token has the scopes %q", scopes)
	}
}

// TestAGrantThatACodeWasUsedForStays while the code could come again, whatever else is logged in.
func TestAGrantThatACodeWasUsedForStays(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, app())
	user := alice(gen.MaxGrants(1))
	x.Put(user)
	first := redemption(code(t, x.Tenant, asking()))
	issued, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), first, issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	awaitGrants(t, x, 1)
	_, err = x.Service.CodeGrant(t.Context(), public(t, x.Tenant), redemption(code(t, x.Tenant, asking())), issuing.Wish{})
	wantRefusal(t, err, issuing.TooManyGrants)
	x.Clock.Step(tokens.CodeLifetime)
	if _, err := x.Service.CodeGrant(t.Context(), public(t, x.Tenant), redemption(code(t, x.Tenant, asking())), issuing.Wish{}); err != nil {
		t.Fatalf("once the code has expired: %v", err)
	}
	if grants := x.Grants(t); len(grants) != 1 || grants[0].Spec.ID == issued.Access.GrantID {
		t.Errorf("there are %d grants, want the last one alone", len(grants))
	}
}

func awaitGrants(t *testing.T, x *tenant.OnAPIServer, want int) {
	t.Helper()
	x.Await(t, "the directory has the grants", func() bool { return len(x.Rows(t).Grants()) == want })
}
