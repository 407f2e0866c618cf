package oauth

import (
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// plain are parameters as a test can compare and print them.
type plain struct {
	GrantType, Username, Password, RefreshToken, Scope, ClientID, ClientSecret string
	Resources                                                                  []string
}

func (p *parameters) plain() plain {
	return plain{
		GrantType: p.grantType, Username: p.username, Password: p.password.Reveal(), RefreshToken: p.refreshToken.Reveal(),
		Scope: p.scope, ClientID: p.clientID, ClientSecret: p.clientSecret.Reveal(), Resources: p.resources,
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want plain
	}{
		"every parameter": {
			"grant_type=password&username=a&password=b&refresh_token=c&scope=d&client_id=e&client_secret=f&resource=g",
			plain{GrantType: "password", Username: "a", Password: "b", RefreshToken: "c", Scope: "d", ClientID: "e", ClientSecret: "f", Resources: []string{"g"}},
		},
		"an empty parameter is absent":              {"username=&resource=&scope", plain{}},
		"an empty parameter does not repeat one":    {"username=&username=a&username=", plain{Username: "a"}},
		"resource may be repeated":                  {"resource=a&resource=b&resource=a", plain{Resources: []string{"a", "b", "a"}}},
		"what nobody knows is ignored":              {"grant_type=password&audience=a&audience=b&Username=c", plain{GrantType: "password"}},
		"a password keeps its spaces and its signs": {"password=+a%26b%3Dc%25+", plain{Password: " a&b=c% "}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parseParameters([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, p.plain()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParametersThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"grant_type twice":            {"grant_type=a&grant_type=b", "invalid_request: a parameter is repeated: grant_type"},
		"the same value twice":        {"scope=a&scope=a", "invalid_request: a parameter is repeated: scope"},
		"an escaped name is the same": {"username=a&user%6eame=b", "invalid_request: a parameter is repeated: username"},
		"a password twice":            {"password=canary-1&password=canary-2", "invalid_request: a parameter is repeated: password"},
		"a refresh token twice":       {"refresh_token=canary-1&refresh_token=canary-2", "invalid_request: a parameter is repeated: refresh_token"},
		"a client_id twice":           {"client_id=a&client_id=a", "invalid_request: a parameter is repeated: client_id"},
		"a client secret twice":       {"client_secret=canary-1&client_secret=canary-2", "invalid_request: a parameter is repeated: client_secret"},
		"a form that is none":         {"password=canary%", "invalid_request: the form is malformed"},
		"text that is not UTF-8":      {"password=canary%ff", "invalid_request: the form is malformed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseParameters([]byte(tc.body))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestWish(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scope     string
		resources []string
		want      issuing.Wish
	}{
		"nothing":                        {"", nil, issuing.Wish{}},
		"one scope":                      {"PRODUCTION", nil, issuing.Wish{Scopes: []string{"PRODUCTION"}}},
		"scopes are parted by spaces":    {"a b c", nil, issuing.Wish{Scopes: []string{"a", "b", "c"}}},
		"more spaces do no harm":         {"  a  b ", nil, issuing.Wish{Scopes: []string{"a", "b"}}},
		"spaces alone are no scope":      {"  ", nil, issuing.Wish{}},
		"a tab is part of a scope":       {"a\tb", nil, issuing.Wish{Scopes: []string{"a\tb"}}},
		"resources are audiences":        {"", []string{"https://a.example.com", "urn:b"}, issuing.Wish{Audiences: []string{"https://a.example.com", "urn:b"}}},
		"a resource may have a query":    {"", []string{"https://a.example.com/?x=1"}, issuing.Wish{Audiences: []string{"https://a.example.com/?x=1"}}},
		"a scheme may have signs":        {"", []string{"a+b-c.d1:e"}, issuing.Wish{Audiences: []string{"a+b-c.d1:e"}}},
		"an escape in a resource stands": {"", []string{"https://a.example.com/%23"}, issuing.Wish{Audiences: []string{"https://a.example.com/%23"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &parameters{scope: tc.scope, resources: tc.resources}
			got, err := p.wish()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoResource(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a relative reference":       "/orders",
		"a name without a scheme":    "orders",
		"a host without a scheme":    "//orders.example.com",
		"a fragment":                 "https://orders.example.com/#top",
		"an empty fragment":          "https://orders.example.com/#",
		"a scheme alone":             "https:",
		"no scheme before the colon": "://orders.example.com",
		"a scheme that begins so":    "1a:b",
		"a space":                    "https://orders.example.com/a b",
		"a line break":               "https://orders.example.com/\n",
		"a DEL":                      "https://orders.example.com/\x7f",
		"letters beyond ASCII":       "https://orders.example.com/é",
		"a quotation mark":           `https://orders.example.com/"`,
	}
	for name, resource := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &parameters{resources: []string{"https://good.example.com", resource}}
			_, err := p.wish()
			want := "invalid_target: a resource must be an absolute URI without a fragment"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

// FuzzParameters writes parameters as clients do and wants them back as they were.
func FuzzParameters(f *testing.F) {
	f.Add("password", "alice", "p ä+%&=;", "a b", "https://a.example.com")
	f.Add("", "", "", "", "")
	f.Add("a\x00", "\xff", "%", "=", "&")
	f.Fuzz(func(t *testing.T, grantType, username, password, scope, resource string) {
		body := url.Values{
			"grant_type": {grantType}, "username": {username}, "password": {password}, "scope": {scope},
			"resource": {resource, resource}, "unknown": {username, password},
		}.Encode()
		p, err := parseParameters([]byte(body))
		if !utf8.ValidString(grantType + "\x00" + username + "\x00" + password + "\x00" + scope + "\x00" + resource) {
			if err == nil {
				t.Error("text that is not UTF-8 was taken")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := parameters{grantType: grantType, username: username, password: sensitive.New(password), scope: scope}
		if resource != "" {
			want.resources = []string{resource, resource}
		}
		if diff := cmp.Diff(want.plain(), p.plain()); diff != "" {
			t.Errorf("(-written +read):\n%s", diff)
		}
		_, _ = p.wish() // must not panic
	})
}
