package oauth_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/test/gen"
)

// A single-page application finds the endpoint, redeems, and gives back, all from a page of its own origin.
func TestAPublicClientInAPage(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(gen.AuthClient("app", gen.PublicClient(), gen.GrantTypes()))
	below := "/t/" + gen.Namespace
	question := []string{"Access-Control-Request-Method", http.MethodPost}
	metadata := "/.well-known/oauth-authorization-server"
	const reads, asks = "reads", "asks"
	tests := map[string]struct {
		request    request
		wantStatus int
		want       string // what it may
	}{
		"it finds the endpoint":                  {request{method: "GET", path: metadata}, http.StatusOK, reads},
		"it finds that of a tenant with a path":  {request{method: "GET", path: metadata + below}, http.StatusOK, reads},
		"it reads the keys":                      {request{method: "GET", path: "/jwks"}, http.StatusOK, reads},
		"it reads why it gets nothing":           {request{form: form("grant_type", "refresh_token", "client_id", "app", "refresh_token", "made up")}, http.StatusBadRequest, reads},
		"it reads that it is no client":          {request{form: form("grant_type", "refresh_token", "client_id", "nobody")}, http.StatusUnauthorized, reads},
		"it reads that there is no such tenant":  {request{method: "GET", path: "/t/elsewhere" + metadata}, http.StatusNotFound, reads},
		"it reads that there is no such method":  {request{method: "PUT"}, http.StatusMethodNotAllowed, reads},
		"it gives a token back":                  {request{path: below + "/revoke", form: form("client_id", "app", "token", "made up")}, http.StatusOK, reads},
		"it may ask before it redeems":           {request{method: "OPTIONS", headers: question}, http.StatusNoContent, asks},
		"it may ask before it gives back":        {request{method: "OPTIONS", path: below + "/revoke", headers: question}, http.StatusNoContent, asks},
		"a question tells nothing of tenants":    {request{method: "OPTIONS", path: "/t/elsewhere/token", headers: question}, http.StatusNoContent, asks},
		"it may not ask before it introspects":   {request{method: "OPTIONS", path: "/introspect", headers: question}, http.StatusMethodNotAllowed, ""},
		"it does not read what is introspected":  {request{path: "/introspect", form: form("token", "made up"), headers: basic("billing", clientSecret)}, http.StatusOK, ""},
		"it does not read that there is no page": {request{method: "GET", path: "/nothing"}, http.StatusNotFound, ""},
	}
	headers := map[string]map[string]string{
		reads: {"Access-Control-Allow-Origin": appOrigin, "Access-Control-Expose-Headers": "Retry-After, WWW-Authenticate", "Vary": "Origin"},
		asks: {
			"Access-Control-Allow-Origin": appOrigin, "Access-Control-Allow-Methods": http.MethodPost,
			"Access-Control-Allow-Headers": "Authorization, Content-Type", "Access-Control-Max-Age": "3600", "Vary": "Origin",
		},
		"": {},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.request.headers = append([]string{"Origin", appOrigin}, tc.request.headers...)
			answer := s.send(t, tc.request)
			if answer.Code != tc.wantStatus {
				t.Errorf("answered %d, want %d", answer.Code, tc.wantStatus)
			}
			got := map[string]string{}
			for _, name := range []string{"Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Max-Age", "Expose-Headers"} {
				if value := answer.Header().Get("Access-Control-" + name); value != "" {
					got["Access-Control-"+name] = value
				}
			}
			if value := answer.Header().Get("Vary"); value != "" {
				got["Vary"] = value
			}
			if diff := cmp.Diff(headers[tc.want], got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}
