package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormTarget(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ uri, want, place string }{
		"a host":                         {"https://app.example.com/cb", "https://app.example.com", "app.example.com"},
		"a host with a port and a query": {"https://app.example.com:8443?a=b/c", "https://app.example.com:8443", "app.example.com:8443"},
		"a host alone":                   {"https://app.example.com", "https://app.example.com", "app.example.com"},
		"a loopback address":             {"http://127.0.0.1:51004/cb", "http://127.0.0.1:51004", "a program on this device"},
		"a loopback address of IPv6":     {"http://[::1]:51004/cb", "http:", "a program on this device"},
		"an https address of IPv6":       {"https://[2001:db8::1]/cb", "https:", "[2001:db8::1]"},
		"a private scheme":               {"com.example.app:/cb", "com.example.app:", "the application com.example.app on this device"},
		"a private scheme with a host":   {"com.evil.app://accounts.bank.example/cb", "com.evil.app:", "the application com.evil.app on this device"},
	}
	for name, tc := range tests {
		if got := formTarget(tc.uri); got != tc.want {
			t.Errorf("%s: a form may lead to %q, want %q", name, got, tc.want)
		}
		if got := place(tc.uri); got != tc.place {
			t.Errorf("%s: a person goes to %q, want %q", name, got, tc.place)
		}
	}
}

// FuzzRequest holds that a request is read the same way after it was carried on in the query of a form,
// and that no login is asked for once it was given.
func FuzzRequest(f *testing.F) {
	f.Add("client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=a+b&state=x&resource=urn:a&resource=urn:b")
	f.Add("prompt=login%20consent&max_age=0&client_id=a&state=%00&unknown=1")
	f.Add("client_id=a&scope=a&scope=b&scope=")
	f.Add("client_id=a&%zz")
	f.Fuzz(func(t *testing.T, query string) {
		r, err := parseRequest(query)
		if err != nil {
			return
		}
		again, err := parseRequest(r.text())
		if err != nil {
			t.Fatalf("%q is carried on as %q, which cannot be read: %v", query, r.text(), err)
		}
		if diff := cmp.Diff(r.AuthorizationRequest, again.AuthorizationRequest); diff != "" || again.text() != r.text() || again.state != r.state {
			t.Errorf("%q is carried on as %q (-first +second):\n%s", query, r.text(), diff)
		}
		if strings.ContainsAny(r.text(), "\"<>' \r\n") {
			t.Errorf("%q is carried on as %q", query, r.text())
		}
		after, err := parseRequest(r.afterLogin())
		if err != nil || after.Prompt.Login || after.Prompt.MaxAge != nil || after.Prompt.Consent != r.Prompt.Consent || after.ClientID != r.ClientID {
			t.Errorf("after a login %q is %q (%v)", query, r.afterLogin(), err)
		}
		if another, err := parseRequest(r.asAnother()); err != nil || !another.Prompt.Login || another.Prompt.None {
			t.Errorf("as another %q is %q (%v)", query, r.asAnother(), err)
		}
	})
}

// FuzzLoginForm holds that a form is read as browsers write it, or not at all.
func FuzzLoginForm(f *testing.F) {
	f.Add("alice", "p ä+%&=;", "token")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, username, password, token string) {
		written := url.Values{"username": {username}, "password": {password}, "token": {token}}
		form, err := readForm(posted(written.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		if form.Get("username") != username || form.Get("password") != password || form.Get("token") != token {
			t.Errorf("%q was read as %q", written, form)
		}
		_, _ = readForm(posted(password)) // must not panic
	})
}

func posted(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(body))
}
