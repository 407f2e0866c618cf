package oauth_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestMetadataOnTheWire(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	golden(t, "metadata", wire(s.send(t, request{method: http.MethodGet, path: "/.well-known/oauth-authorization-server"})))
}

// TestWhereMetadataAre: for an issuer with a path they are behind the well-known part (RFC 8414 §3.1).
func TestWhereMetadataAre(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	for path, want := range map[string]int{
		"/.well-known/oauth-authorization-server":                         http.StatusOK,
		"/.well-known/oauth-authorization-server/t/" + gen.Namespace:      http.StatusOK,
		"/t/" + gen.Namespace + "/.well-known/oauth-authorization-server": http.StatusOK,
		"/.well-known/oauth-authorization-server/t/elsewhere":             http.StatusNotFound,
		"/.well-known/oauth-authorization-server/t/":                      http.StatusNotFound,
		"/.well-known/oauth-authorization-server/x/" + gen.Namespace:      http.StatusNotFound,
	} {
		if got := s.send(t, request{method: http.MethodGet, path: path}); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	s.Put(gen.AuthTenant(gen.Dialects(v1alpha1.DialectWazo)))
	if got := s.send(t, request{method: http.MethodGet, path: "/.well-known/oauth-authorization-server"}); got.Code != http.StatusNotFound {
		t.Errorf("a tenant that does not speak OAuth2: %d", got.Code)
	}
}

// TestMetadataTellOfWhatWorks asks for everything that is told.
func TestMetadataTellOfWhatWorks(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	var told struct {
		Issuer     string   `json:"issuer"`
		GrantTypes []string `json:"grant_types_supported"`
	}
	body := s.send(t, request{method: http.MethodGet, path: "/.well-known/oauth-authorization-server"}).Body.Bytes()
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	if told.Issuer != s.Issuer {
		t.Errorf("the issuer is %q, want %q", told.Issuer, s.Issuer)
	}
	for _, grantType := range append(told.GrantTypes, "implicit") {
		answer := s.send(t, request{form: form("grant_type", grantType), headers: basic("billing", clientSecret)})
		unsupported := strings.Contains(answer.Body.String(), "unsupported_grant_type")
		if unsupported == slices.Contains(told.GrantTypes, grantType) {
			t.Errorf("%s: %s", grantType, answer.Body)
		}
	}
	endpoints := map[string]string{}
	_ = json.Unmarshal(body, &endpoints) // what is no text stays out
	for name, uri := range endpoints {
		path, found := strings.CutPrefix(uri, s.Issuer)
		if name == "issuer" || name == "authorization_endpoint" || !found {
			continue
		}
		if got := s.send(t, request{method: http.MethodDelete, path: "/t/" + gen.Namespace + path}); got.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s is not there: %d", name, got.Code)
		}
	}
}

// TestMetadataTellHowClientsProveThemselves at each endpoint, by every method that there is.
func TestMetadataTellHowClientsProveThemselves(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.Put(gen.AuthClient("app", gen.PublicClient(), gen.GrantTypes()))
	var told map[string]any
	body := s.send(t, request{method: http.MethodGet, path: "/.well-known/oauth-authorization-server"}).Body.Bytes()
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	asking := []string{"grant_type", "refresh_token", "refresh_token", "made up", "token", "made up"}
	methods := map[string]request{
		"client_secret_basic": {form: form(asking...), headers: basic("billing", clientSecret)},
		"client_secret_post":  {form: form(append(asking, "client_id", "shop", "client_secret", clientSecret)...)},
		"none":                {form: form(append(asking, "client_id", "app")...)},
	}
	for _, name := range []string{"token", "revocation", "introspection"} {
		listed, _ := told[name+"_endpoint_auth_methods_supported"].([]any)
		uri, _ := told[name+"_endpoint"].(string)
		for method, r := range methods {
			r.path = strings.TrimPrefix(uri, s.Issuer)
			answer := s.send(t, r)
			if works := answer.Code != http.StatusUnauthorized; works != slices.Contains(listed, any(method)) {
				t.Errorf("%s by %s: %d, told %q", name, method, answer.Code, listed)
			}
		}
	}
}

// TestMetadataTellOfChallenges as an authorization takes them.
func TestMetadataTellOfChallenges(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	const redirect = "https://app.example.com/cb"
	s.Put(gen.AuthClient("app", gen.PublicClient(), gen.GrantTypes(), gen.RedirectURIs(redirect)))
	var told struct {
		Methods       []string `json:"code_challenge_methods_supported"`
		ResponseTypes []string `json:"response_types_supported"`
	}
	body := s.send(t, request{method: http.MethodGet, path: "/.well-known/oauth-authorization-server"}).Body.Bytes()
	if err := json.Unmarshal(body, &told); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"S256", "plain"} {
		for _, responseType := range []string{"code", "token"} {
			_, err := s.Service.Authorize(s.Namespace, issuing.AuthorizationRequest{
				ClientID: "app", RedirectURI: redirect, ResponseType: responseType,
				CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", CodeChallengeMethod: method,
			})
			if want := slices.Contains(told.Methods, method) && slices.Contains(told.ResponseTypes, responseType); (err == nil) != want {
				t.Errorf("%s by %s: %v", responseType, method, err)
			}
		}
	}
}
