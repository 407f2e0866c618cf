package wazo

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// caller is a token of alice's with an acl.
func (h *tenant) caller(acl ...string) string {
	h.Helper()
	return h.jwt(tokens.Wazo, func(a *tokens.Access) { a.ACL = acl })
}

// call sends a request with the token of a caller who may do anything.
func (h *tenant) call(method, path, body string, headers ...string) reply {
	h.Helper()
	return h.do(method, "/0.1/"+path, body, append(headers, "X-Auth-Token", h.caller("#"))...)
}

// wantUnauthorized wants the 401 of a protected route.
func wantUnauthorized(t testing.TB, got reply, want unauthorized) {
	t.Helper()
	wantAPIProblem(t, got, http.StatusUnauthorized, apiError{Message: "Unauthorized", ErrorID: "unauthorized", Details: want})
}

// wantAPIProblem wants an error of the API routes, byte for byte.
func wantAPIProblem(t testing.TB, got reply, status int, want apiError) {
	t.Helper()
	want.Timestamp = 1777890600.25
	if want.Details == nil {
		want.Details = struct{}{}
	}
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.Encode(want)
	wantError(t, got, status, body.String())
}

// concrete are the protected routes with values in their paths, and the access that each needs.
func concrete(api *API) map[string]string {
	upper := strings.ToUpper(subject)
	values := strings.NewReplacer("{owner}", me, "{user_uuid}", upper, "{session_uuid}", upper, "{tenant_uuid}", upper, "{client_id}", "my.phone")
	accesses := strings.NewReplacer("{owner}", me, "{user_uuid}", subject, "{session_uuid}", subject, "{tenant_uuid}", subject, "{client_id}", "my_phone")
	routes := map[string]string{}
	for _, route := range api.protected() {
		routes[route.method+" "+values.Replace(route.path)] = accesses.Replace(route.access)
	}
	return routes
}

// Every protected route turns away whoever may not use it, in the one shape and without a challenge.
func TestProtection(t *testing.T) {
	t.Parallel()
	h, other := newTenant(t), newTenant(t)
	h.put(&v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
	refreshToken := h.offline("phone").RefreshToken
	oauth := func(mod func(*tokens.Access)) string { return h.jwt(tokens.OAuth2, mod) }
	for route, access := range concrete(h.api) {
		method, path, _ := strings.Cut(route, " ")
		for name, tc := range map[string]struct {
			token  string
			reason string
			tenant string
		}{
			"no token":                      {"", tokenNotFound, ""},
			"what is no token":              {"a<b>", tokenNotFound, ""},
			"a token that nobody was given": {"88204f50-0fe8-4163-a90f-9ff867468997", tokenNotFound, ""},
			"a refresh token":               {refreshToken, tokenNotFound, ""},
			"another tenant's token":        {other.token(other.login(`{}`)).Token, tokenNotFound, ""},
			"a token that has expired": {h.jwt(tokens.Wazo, func(a *tokens.Access) {
				a.ACL, a.IssuedAt, a.ExpiresAt = []string{"#"}, begin.Add(-time.Minute), begin.Truncate(time.Second)
			}), tokenNotFound, ""},
			"a token without the access":           {h.caller("auth.other", access+".more"), permissionMissing, ""},
			"a token with the access and a denial": {h.caller("#", "!"+access), permissionMissing, ""},
			"a token with an empty acl":            {h.caller(), permissionMissing, ""},
			"a token for another tenant":           {h.caller("#"), permissionMissing, "0e3a1b5c-7d9f-4b2a-8c6e-1f2a3b4c5d6e"},
			"an OAuth 2.0 token for somebody else": {oauth(func(a *tokens.Access) {
				a.Audiences, a.Scopes = []string{"https://orders.example.com"}, []string{access}
			}), tokenNotFound, ""},
			"an OAuth 2.0 token without the access": {oauth(func(a *tokens.Access) { a.Scopes = []string{"auth.other"} }), permissionMissing, ""},
		} {
			t.Run(route+" with "+name, func(t *testing.T) {
				t.Parallel()
				h := h.in(t)
				headers := []string{"X-Auth-Token", tc.token}
				if tc.token == "" {
					headers = nil
				}
				if tc.tenant != "" {
					headers = append(headers, "Wazo-Tenant", tc.tenant)
				}
				got := h.do(method, "/0.1/"+path, `{}`, headers...)
				if method == http.MethodHead {
					if got.status != http.StatusUnauthorized || got.body != "" {
						t.Errorf("%d %s", got.status, got.body)
					}
					return
				}
				wantUnauthorized(t, got, unauthorized{tc.token, tc.reason, access})
			})
		}
	}
}

// Every protected route lets through whoever has the very access that it asks for, and asks for no other.
func TestAccess(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(&v1alpha1.AuthClient{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
	uid := h.jwtTenant()
	for route, access := range concrete(h.api) {
		method, path, _ := strings.Cut(route, " ")
		for name, token := range map[string]string{
			"a wazo token":               h.caller(access),
			"an OAuth 2.0 JWT for here":  h.jwt(tokens.OAuth2, func(a *tokens.Access) { a.Scopes = []string{access} }),
			"a wazo token that names me": h.caller(strings.ReplaceAll(access, subject, me)),
		} {
			t.Run(route+" with "+name, func(t *testing.T) {
				t.Parallel()
				h := h.in(t)
				if got := h.do(method, "/0.1/"+path, `{}`, "X-Auth-Token", token, "Wazo-Tenant", strings.ToUpper(uid)); got.status == http.StatusUnauthorized {
					t.Errorf("%d %s", got.status, got.body)
				}
			})
		}
	}
}

// jwtTenant is the uid of the tenant.
func (h *tenant) jwtTenant() string {
	h.Helper()
	tenant, err := h.service.Tenant(h.namespace)
	if err != nil {
		h.Fatal(err)
	}
	return tenant.UID
}

// A path that holds no UUID where one has to be is no path, whoever asks; a value with dots does not reach
// into another segment of an access.
func TestPathsOfProtectedRoutes(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for name, path := range map[string]string{
		"a name":                               "users/alice/tokens",
		"a UUID without dashes":                "users/" + strings.ReplaceAll(subject, "-", "") + "/tokens",
		"a UUID in braces":                     "users/%7B" + subject + "%7D/tokens",
		"a UUID as a URN":                      "users/urn:uuid:" + subject + "/tokens",
		"a UUID with a letter that is not hex": "users/g" + subject[1:] + "/tokens",
		"me in another case":                   "users/ME/tokens",
		"an empty client_id":                   "users/me/tokens/",
		"a route that is not there":            "users/me/nothing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := h.in(t)
			wantFrameworkProblem(t, h.call("GET", path, ""), http.StatusNotFound, "Not Found")
			wantFrameworkProblem(t, h.do("GET", "/0.1/"+path, ""), http.StatusNotFound, "Not Found")
		})
	}
	got := h.do("DELETE", "/0.1/users/me/tokens/a.b.c", "", "X-Auth-Token", h.caller("auth.users.me.tokens.*.delete"))
	wantAPIProblem(t, got, http.StatusNotFound, apiError{
		Message: `unknown refresh_token for client_id "a.b.c"`, ErrorID: "cannot-find-refresh-token-matching-client-id",
		Details: clientDetails{"a.b.c"}, Resource: "tokens",
	})
	// The longest client_id that there can be is one that can be deleted.
	if got := h.call("DELETE", "users/me/tokens/"+strings.Repeat("a", longestClientID), ""); got.status != http.StatusNotFound {
		t.Errorf("the longest client_id: %d", got.status)
	}
	// What stands in a path is no template: each time, for the order of the values is anybody's guess.
	for range 16 {
		wantUnauthorized(t, h.do("DELETE", "/0.1/users/me/tokens/%7Bowner%7D", ""), unauthorized{"", tokenNotFound, "auth.users.me.tokens.{owner}.delete"})
	}
	// Who asks, and where, is looked at before what they send.
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	wantUnauthorized(t, h.do("POST", "/0.1/users", "a=b", form...), unauthorized{"", tokenNotFound, "auth.users.create"})
	wantFrameworkProblem(t, h.do("POST", "/t/nowhere/0.1/users", "a=b", form...), http.StatusNotFound, "Not Found")
	if got := h.call("GET", "tenants", "", "Wazo-Tenant", ""); got.status != http.StatusOK {
		t.Errorf("an empty Wazo-Tenant: %d %s", got.status, got.body)
	}
	if got := h.do("POST", "/0.1/tokens", ""); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET" {
		t.Errorf("%d, Allow: %s", got.status, got.header.Get("Allow"))
	}
}

// The protected routes are there below both prefixes, at the root and for each tenant.
func TestWhereTheRoutesAre(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for _, prefix := range []string{"/0.1/", "/api/auth/0.1/", "/t/" + h.namespace + "/0.1/", "/t/" + h.namespace + "/api/auth/0.1/"} {
		if got := h.do("GET", prefix+"users/me/tokens", "", "X-Auth-Token", h.caller("#")); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", prefix, got.status, got.body)
		}
	}
	h.put(speaks(v1alpha1.DialectOAuth2))
	wantFrameworkProblem(t, h.call("GET", "users/me/tokens", ""), http.StatusNotFound, "Not Found")
	if got := h.do("HEAD", "/0.1/status", ""); got.status != http.StatusNotFound {
		t.Errorf("status of a tenant that does not speak wazo: %d", got.status)
	}
}

func TestInstallation(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	if got := h.do("HEAD", "/0.1/status", ""); got.status != http.StatusOK || got.body != "" {
		t.Errorf("status: %d %s", got.status, got.body)
	}
	if diff := cmp.Diff(`{"data":["wazo_user"]}`+"\n", h.do("GET", "/0.1/backends", "").body); diff != "" {
		t.Error(diff)
	}
	own := `{"uuid":"` + h.jwtTenant() + `","name":"master","slug":"master"}`
	for query, want := range map[string]string{
		"":             `{"total":1,"filtered":1,"items":[` + own + `]}`,
		"?name=master": `{"total":1,"filtered":1,"items":[` + own + `]}`,
		"?name=other":  `{"total":1,"filtered":0,"items":[]}`,
	} {
		if diff := cmp.Diff(want+"\n", h.call("GET", "tenants"+query, "").body); diff != "" {
			t.Errorf("tenants%s: %s", query, diff)
		}
	}
	if diff := cmp.Diff(own+"\n", h.call("GET", "tenants/"+h.jwtTenant(), "").body); diff != "" {
		t.Error(diff)
	}
	const other = "88204f50-0fe8-4163-a90f-9ff867468997"
	wantAPIProblem(t, h.call("GET", "tenants/"+other, ""), http.StatusNotFound,
		apiError{Message: `No such tenant: "` + other + `"`, ErrorID: "unknown-tenant", Details: uuidDetails{other}, Resource: "tenants"})
	if got := h.call("GET", "tenants?order=uid", ""); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.body)
	}
	h.directory.MarkLost(h.namespace)
	if got := h.do("HEAD", "/0.1/status", ""); got.status != http.StatusServiceUnavailable || got.body != "" {
		t.Errorf("status of a tenant that is not served: %d %s", got.status, got.body)
	}
	wantAPIProblem(t, h.call("GET", "tenants", ""), http.StatusServiceUnavailable,
		apiError{Message: "The service cannot answer now", ErrorID: "service-unavailable"})
}

// A tenant that is not the default one is called by its namespace, and the default one is nobody else's.
func TestTenantsOfAnotherThanTheDefaultTenant(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(speaks(v1alpha1.DialectWazo))
	h.service.DefaultTenant = ""
	path := "/t/" + h.namespace + "/0.1/tenants"
	want := `{"total":1,"filtered":1,"items":[{"uuid":"` + h.jwtTenant() + `","name":"` + h.namespace + `","slug":"` + h.namespace + `"}]}`
	if diff := cmp.Diff(want+"\n", h.do("GET", path, "", "X-Auth-Token", h.caller("#")).body); diff != "" {
		t.Error(diff)
	}
	got := h.do("GET", path+"?name=master", "", "X-Auth-Token", h.caller("#"))
	if diff := cmp.Diff(`{"total":1,"filtered":0,"items":[]}`+"\n", got.body); diff != "" {
		t.Error(diff)
	}
}
