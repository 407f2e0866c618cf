package oauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// plainClient has no scopes, and its own issuer for an audience.
func plainClient() []client.Object {
	return []client.Object{
		gen.AuthClient("plain", gen.SecretPost(), gen.GrantTypes(v1alpha1.GrantTypeClientCredentials)),
		gen.ClientSecret("plain", clientSecret),
	}
}

// TestAnswers holds whole answers to golden files. Nothing in them is left to chance: the keys, the
// clock and the randomness are fixed, and ES256 is signed deterministically.
func TestAnswers(t *testing.T) {
	t.Parallel()
	billing := basic("billing", clientSecret)
	tests := map[string]struct {
		request func(refreshToken string) request
		golden  string
	}{
		"client_credentials gives no refresh token": {func(string) request {
			return request{form: form("grant_type", "client_credentials"), headers: billing}
		}, "client-credentials"},
		"a refresh gives the refresh token again": {func(refreshToken string) request {
			return request{form: form("grant_type", "refresh_token", "refresh_token", refreshToken), headers: billing}
		}, "refresh"},
		"a refresh narrows scopes and audiences": {func(refreshToken string) request {
			return request{form: form("grant_type", "refresh_token", "refresh_token", refreshToken,
				"scope", "orders:write", "resource", "https://stock.example.com"), headers: billing}
		}, "refresh-narrowed"},
		"a client of the form without default scopes gets a token without any": {func(string) request {
			return request{form: form("grant_type", "client_credentials", "client_id", "plain", "client_secret", clientSecret)}
		}, "no-scope"},
		"a client that is not authenticated is challenged": {func(string) request {
			return request{form: form("grant_type", "client_credentials"), headers: basic("billing", "wrong")}
		}, "invalid-client"},
		"a refresh token of nobody": {func(string) request {
			return request{form: form("grant_type", "refresh_token", "refresh_token", "wrong"), headers: billing}
		}, "invalid-grant"},
		"a scope too much": {func(string) request {
			return request{form: form("grant_type", "client_credentials", "scope", `orders:read "stock"`), headers: billing}
		}, "invalid-scope"},
		"an audience too much": {func(string) request {
			return request{form: form("grant_type", "client_credentials", "resource", "https://other.example.com"), headers: billing}
		}, "invalid-target"},
		"no form": {func(string) request {
			return request{form: "{}", headers: []string{"Content-Type", "text/plain"}, typed: true}
		}, "invalid-request"},
		"a tenant that is none": {func(string) request {
			return request{path: "/t/nowhere/token", form: form("grant_type", "client_credentials"), headers: billing}
		}, "unknown-tenant"},
		"a GET": {func(string) request {
			return request{method: http.MethodGet}
		}, "method-not-allowed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := inMemory(t)
			s.Put(plainClient()...)
			golden(t, tc.golden, wire(s.send(t, tc.request(s.refreshToken(t)))))
		})
	}
}

// TestStatusAndError names the status and the error of every way to get no token.
func TestStatusAndError(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	billing := basic("billing", clientSecret)
	own := form("grant_type", "client_credentials")
	both := func(headers ...[]string) (all []string) {
		for _, pair := range headers {
			all = append(all, pair...)
		}
		return all
	}
	tests := map[string]struct {
		request request
		status  int
		error   string
	}{
		"an empty form":                            {request{headers: billing}, 400, "invalid_request"},
		"an empty grant_type":                      {request{form: "grant_type=", headers: billing}, 400, "invalid_request"},
		"a repeated grant_type":                    {request{form: own + "&" + own, headers: billing}, 400, "invalid_request"},
		"a repeated parameter":                     {request{form: own + "&scope=a&scope=b", headers: billing}, 400, "invalid_request"},
		"a malformed form":                         {request{form: own + "&scope=%", headers: billing}, 400, "invalid_request"},
		"a parameter in the query alone":           {request{path: "/token?" + own, headers: billing}, 400, "invalid_request"},
		"JSON":                                     {request{form: "{}", headers: []string{"Content-Type", "application/json"}, typed: true}, 418, ""},
		"multipart":                                {request{form: own, headers: both(billing, []string{"Content-Type", "multipart/form-data; boundary=x"}), typed: true}, 400, "invalid_request"},
		"no Content-Type":                          {request{form: own, headers: billing, typed: true}, 400, "invalid_request"},
		"no credentials":                           {request{form: own}, 401, "invalid_client"},
		"a client_id alone":                        {request{form: own + "&client_id=billing"}, 401, "invalid_client"},
		"another scheme":                           {request{form: own, headers: []string{"Authorization", "Bearer abc"}}, 401, "invalid_client"},
		"a wrong secret":                           {request{form: own, headers: basic("billing", "wrong")}, 401, "invalid_client"},
		"a wrong secret in the form":               {request{form: own + "&client_id=shop&client_secret=wrong"}, 401, "invalid_client"},
		"a secret that is not form-encoded":        {request{form: own, headers: []string{"Authorization", "Basic YmlsbGluZzpjYW5hcnk6c2VjcmV0JTkxYmU="}}, 401, "invalid_client"},
		"a Basic client in the form":               {request{form: own + "&" + form("client_id", "billing", "client_secret", clientSecret)}, 401, "invalid_client"},
		"a client of the form by Basic":            {request{form: own, headers: basic("shop", clientSecret)}, 401, "invalid_client"},
		"two headers":                              {request{form: own, headers: both(billing, billing)}, 400, "invalid_request"},
		"a header and a secret in the form":        {request{form: own + "&" + form("client_id", "billing", "client_secret", clientSecret), headers: billing}, 400, "invalid_request"},
		"a header and another client_id":           {request{form: own + "&client_id=shop", headers: billing}, 400, "invalid_request"},
		"an unknown grant type":                    {request{form: "grant_type=implicit&code=abc", headers: billing}, 400, "unsupported_grant_type"},
		"a code from a client that may have none":  {request{form: "grant_type=authorization_code&code=abc", headers: billing}, 400, "unauthorized_client"},
		"a grant type code without a code":         {request{form: "grant_type=authorization_code", headers: billing}, 400, "invalid_request"},
		"a grant type in another case":             {request{form: "grant_type=Client_Credentials", headers: billing}, 400, "unsupported_grant_type"},
		"an unknown grant type of nobody":          {request{form: "grant_type=none"}, 401, "invalid_client"},
		"a grant type that the client lacks":       {request{form: form("grant_type", "client_credentials", "client_id", "shop", "client_secret", clientSecret)}, 400, "unauthorized_client"},
		"a password without a user":                {request{form: "grant_type=password&password=a", headers: billing}, 400, "invalid_request"},
		"a user without a password":                {request{form: "grant_type=password&username=alice&password=", headers: billing}, 400, "invalid_request"},
		"a wrong password":                         {request{form: "grant_type=password&username=bob&password=wrong", headers: billing}, 400, "invalid_grant"},
		"a refresh without its token":              {request{form: "grant_type=refresh_token", headers: billing}, 400, "invalid_request"},
		"a refresh token that is none":             {request{form: "grant_type=refresh_token&refresh_token=a", headers: billing}, 400, "invalid_grant"},
		"a scope that is a pattern":                {request{form: own + "&scope=orders:*", headers: billing}, 400, "invalid_scope"},
		"a scope of control characters":            {request{form: own + "&scope=orders:read%09PRODUCTION", headers: billing}, 400, "invalid_scope"},
		"a scope that the client lacks":            {request{form: own + "&scope=orders:read+stock:read", headers: billing}, 400, "invalid_scope"},
		"a resource that is no URI":                {request{form: own + "&resource=orders", headers: billing}, 400, "invalid_target"},
		"a resource with a fragment":               {request{form: own + "&resource=https://orders.example.com%23a", headers: billing}, 400, "invalid_target"},
		"one resource too much":                    {request{form: own + "&resource=https://orders.example.com&resource=https://other.example.com", headers: billing}, 400, "invalid_target"},
		"an unknown tenant":                        {request{path: "/t/nowhere/token", form: own, headers: billing}, 404, "invalid_request"},
		"a body beyond the limit":                  {request{form: own + "&scope=" + strings.Repeat("a", 64<<10), headers: billing}, 413, "invalid_request"},
		"a body that turns out beyond the limit":   {request{form: own + "&scope=" + strings.Repeat("a", 64<<10), headers: billing, chunked: true}, 413, "invalid_request"},
		"a PUT":                                    {request{method: http.MethodPut, form: own, headers: billing}, 405, "invalid_request"},
		"a slash behind":                           {request{path: "/token/", form: own, headers: billing}, 404, ""},
		"a client that nobody has, in the default": {request{form: own, headers: basic("ghost", clientSecret)}, 401, "invalid_client"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := s.send(t, tc.request)
			text := response.Body.String()
			if response.Code != tc.status || tc.error != "" && !strings.HasPrefix(text, `{"error":"`+tc.error+`"`) {
				t.Errorf("got %d %s\nwant %d %s", response.Code, text, tc.status, tc.error)
			}
			challenged := response.Header().Get("WWW-Authenticate") != ""
			if challenged != (tc.status == http.StatusUnauthorized) {
				t.Errorf("challenged: %t", challenged)
			}
			if cached := response.Header().Get("Cache-Control"); cached != "no-store" {
				t.Errorf("Cache-Control is %q", cached)
			}
		})
	}
}

// TestWhatIsTaken are requests that look unusual and are right.
func TestWhatIsTaken(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(plainClient()...)
	billing := basic("billing", clientSecret)
	own := form("grant_type", "client_credentials")
	tests := map[string]request{
		"a charset behind the type":           {form: own, headers: append([]string{"Content-Type", formType + "; charset=UTF-8"}, billing...), typed: true},
		"the type in another case":            {form: own, headers: append([]string{"Content-Type", "Application/X-WWW-Form-URLEncoded"}, billing...), typed: true},
		"empty parameters, some repeated":     {form: own + "&scope=&scope=&resource=&username=", headers: billing},
		"parameters of other grants":          {form: own + "&username=alice&device_code=a&device_code=b", headers: billing},
		"the client's own client_id":          {form: own + "&client_id=billing", headers: billing},
		"a client_secret that is empty":       {form: own + "&client_secret=", headers: billing},
		"a client of the form":                {form: own + "&" + form("client_id", "plain", "client_secret", clientSecret)},
		"several resources":                   {form: own + "&resource=https://orders.example.com&resource=https://stock.example.com", headers: billing},
		"more spaces between scopes":          {form: own + "&scope=+orders:read++orders:write+", headers: billing},
		"the tenant's own path":               {path: "/t/" + gen.Namespace + "/token", form: own, headers: billing},
		"a query beside the form":             {path: "/token?scope=stock:read", form: own, headers: billing},
		"an escaped grant type":               {form: "grant%5Ftype=client%5Fcredentials", headers: billing},
		"a form of unannounced length":        {form: own, headers: billing, chunked: true},
		"ampersands without pairs":            {form: "&&" + own + "&", headers: billing},
		"the scheme of the header in capital": {form: own, headers: []string{"Authorization", strings.Replace(billing[1], "Basic", "BASIC", 1)}},
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if response := s.send(t, r); response.Code != http.StatusOK {
				t.Errorf("got %d %s", response.Code, response.Body)
			}
		})
	}
}

func TestABodyThatBreaksOffIsNoForm(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	sent := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token",
		io.MultiReader(strings.NewReader("grant_type=client_credentials&scope=orders:re"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	sent.Header.Set("Content-Type", formType)
	sent.Header.Set("Authorization", basic("billing", clientSecret)[1])
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, sent)
	want := `{"error":"invalid_request","error_description":"the body could not be read"}` + "\n"
	if answer.Code != http.StatusBadRequest || answer.Body.String() != want {
		t.Errorf("got %d %s", answer.Code, answer.Body)
	}
}

func TestALockoutSaysHowLong(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	attempt := func(from, password string) *httptest.ResponseRecorder {
		return s.send(t, request{from: from, form: form("grant_type", "password", "username", "alice", "password", password,
			"client_id", "shop", "client_secret", clientSecret)})
	}
	const here, elsewhere = "192.0.2.1:4711", "192.0.2.2:4711"
	for range 5 {
		if response := attempt(here, "wrong"); response.Code != http.StatusBadRequest {
			t.Fatalf("got %d %s", response.Code, response.Body)
		}
	}
	golden(t, "locked-out", wire(attempt(here, password)))
	if response := attempt(elsewhere, password); response.Code != http.StatusOK {
		t.Errorf("another address is locked out, too: %d %s", response.Code, response.Body)
	}
}

func TestAPasswordWithoutARefreshTokenNeedsNoWrite(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	answer := wire(s.send(t, request{form: form("grant_type", "password", "username", "Alice@Example.com", "password", password,
		"scope", "orders:read profile", "client_id", "shop", "client_secret", clientSecret)}))
	golden(t, "password-without-refresh", answer)
	if strings.Contains(answer, "refresh_token") {
		t.Error("a client that may not refresh got a refresh token")
	}
}

func TestKeysAreBesideTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	response := s.send(t, request{method: http.MethodGet, path: "/t/" + s.Namespace + "/jwks"})
	if diff := cmp.Diff(string(s.Ring.JWKS()), response.Body.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Directory.SetRing("unreadable", nil, errors.New("unknown format"))
	golden(t, "jwks-unknown-tenant", wire(s.send(t, request{method: http.MethodGet, path: "/t/nowhere/jwks"})))
	golden(t, "jwks-unavailable", wire(s.send(t, request{method: http.MethodGet, path: "/t/unreadable/jwks"})))
	if !strings.Contains(s.logged(), "unknown format") {
		t.Error("the log does not say why")
	}
}

func TestATenantThatDoesNotSpeakOAuth2(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(gen.AuthTenant(gen.Dialects(v1alpha1.DialectWazo)))
	for name, r := range map[string]request{
		"a token":              {path: "/token", form: "grant_type=client_credentials"},
		"a body of no form":    {path: "/token", form: "{}", typed: true, headers: []string{"Content-Type", "text/plain"}},
		"an introspection":     {path: "/introspect", form: "token=x"},
		"a revocation":         {path: "/revoke", form: "token=x"},
		"in the tenant's path": {path: "/t/" + s.Namespace + "/token", form: "grant_type=client_credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.method = http.MethodPost
			golden(t, "unknown-tenant", wire(s.send(t, r)))
		})
	}
	if got := s.send(t, request{method: http.MethodGet, path: "/jwks"}); got.Code != http.StatusOK {
		t.Errorf("its keys: %d, want them: other dialects' tokens are checked with them too", got.Code)
	}
}
