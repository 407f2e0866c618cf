package wazo

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// appOrigin is where the pages are from that may call the endpoint.
const appOrigin = "https://app.example.com"

// A page sets headers and so asks before each of its requests, on every route and for every tenant.
func TestPagesAskBeforeEveryRoute(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	value := regexp.MustCompile(`{[a-z_]+}`)
	for _, route := range h.api.Dialect().Routes {
		for _, below := range []string{"", "/t/" + h.namespace} {
			path := below + value.ReplaceAllString(route.Pattern, subject)
			got := h.do("OPTIONS", path, "", "Origin", appOrigin, "Access-Control-Request-Method", route.Method)
			if got.status != http.StatusNoContent || got.body != "" || got.header.Get("Access-Control-Allow-Origin") != appOrigin {
				t.Errorf("%s %s: %d %s %v", route.Method, path, got.status, got.body, got.header)
			}
			if methods := strings.Split(got.header.Get("Access-Control-Allow-Methods"), ", "); !slices.Contains(methods, route.Method) {
				t.Errorf("%s %s: a page may %q", route.Method, path, methods)
			}
			if sent := got.header.Get("Access-Control-Allow-Headers"); sent != "Authorization, Content-Type, Wazo-Session-Type, Wazo-Tenant, X-Auth-Token" {
				t.Errorf("%s %s: a page may send %q", route.Method, path, sent)
			}
		}
	}
}

func TestPagesReadEveryAnswer(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	token := h.token(h.login(`{}`)).Token
	password := basic("alice:" + password)
	tests := map[string]struct {
		method, path, body string
		headers            []string
		want               int
	}{
		"a login":                            {"POST", "/0.1/token", "{}", []string{"Authorization", password}, 200},
		"a login below a tenant's path":      {"POST", "/t/" + h.namespace + "/api/auth/0.1/token", "{}", []string{"Authorization", password}, 200},
		"a login that fails":                 {"POST", "/0.1/token", "{}", []string{"Authorization", basic("alice:wrong")}, 401},
		"a body that is not JSON":            {"POST", "/0.1/token", "{", []string{"Authorization", password}, 400},
		"a body that is too large":           {"POST", "/0.1/token", strings.Repeat(" ", 65<<10), nil, 413},
		"a token":                            {"GET", "/0.1/token/" + token, "", nil, 200},
		"that a token is good":               {"HEAD", "/0.1/token/" + token, "", nil, 204},
		"that there is no such token":        {"GET", "/0.1/token/" + subject, "", nil, 404},
		"what takes a token":                 {"GET", "/0.1/users/me/sessions", "", []string{"X-Auth-Token", token}, 200},
		"that a token is missing":            {"GET", "/0.1/users/me/sessions", "", nil, 401},
		"that a token is not good for that":  {"GET", "/0.1/sessions", "", []string{"X-Auth-Token", token}, 401},
		"that there is no such route":        {"GET", "/0.1/groups", "", nil, 404},
		"that there is no such method":       {"PATCH", "/0.1/users", "", nil, 405},
		"that there is no such tenant":       {"GET", "/t/elsewhere/0.1/token/" + token, "", nil, 404},
		"the document that says all of this": {"GET", "/0.1/api/api.yml", "", nil, 200},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			t.Parallel()
			got := h.do(tc.method, tc.path, tc.body, append(tc.headers, "Origin", appOrigin)...)
			if got.status != tc.want {
				t.Errorf("%d %s, want %d", got.status, got.body, tc.want)
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Origin":      appOrigin,
				"Access-Control-Expose-Headers":    "Retry-After, Wazo-Sessions-Revoked",
				"Access-Control-Allow-Credentials": "",
				"Vary":                             "Origin",
			} {
				if value := got.header.Get(name); value != want {
					t.Errorf("%s is %q, want %q", name, value, want)
				}
			}
		})
	}
}

func TestPagesOfAnOriginThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	question := h.do("OPTIONS", "/0.1/token", "", "Origin", "https://other.example.com", "Access-Control-Request-Method", "POST")
	if question.status != http.StatusMethodNotAllowed || question.header.Get("Allow") != "POST" || question.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", question.status, question.header)
	}
	if got := h.login(`{}`, "Origin", "https://other.example.com"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the page reads the answer to a login: %v", got.header)
	}
}
