package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

const (
	loginTitle   = "Log in"
	consentTitle = "Allow access?"
	failureTitle = "This did not work"
)

// wantCode wants an answer with a code, and gives what is in it.
func wantCode(t *testing.T, s *site, answer url.Values) *tokens.Code {
	t.Helper()
	code, err := tokens.OpenCode(s.Ring, answer.Get("code"))
	if err != nil {
		t.Fatalf("answered %q: %v", answer, err)
	}
	answer.Del("code")
	answer.Del("from") // what stands in the redirect URI of web
	if diff := cmp.Diff(url.Values{"iss": {s.Issuer}, "state": {"a state+&="}}, answer); diff != "" {
		t.Errorf("the answer beside the code (-want +got):\n%s", diff)
	}
	return code
}

func TestALoginWithConsent(t *testing.T) {
	t.Parallel()
	for name, prefix := range map[string]string{"at the root": "", "of a named tenant": "/t/" + gen.Namespace} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			b := s.browser(t)
			page := b.get(t, prefix+"/authorize?"+asking("app", "scope", "orders:read profile").Encode())
			wantPage(t, page, http.StatusOK, loginTitle)
			page = b.logIn(t, page)
			wantPage(t, page, http.StatusOK, consentTitle)
			for _, told := range []string{"<strong>app</strong>", "<strong>alice</strong>", "see your name", "use <code>orders:read</code>", "<strong>app.example.com</strong>", "when you are away"} {
				if !strings.Contains(page.body, told) {
					t.Errorf("the page does not tell %q: %s", told, page.body)
				}
			}
			code := wantCode(t, s, b.submit(t, page, "decision", "allow").answer(t, redirect))
			user, _ := s.Rows(t).User("alice")
			version, _ := s.Rows(t).CredentialVersion(user)
			want := &tokens.Code{
				ID: code.ID, ClientID: "app", RedirectURI: redirect, RedirectSent: true, Challenge: challenge,
				Scopes: []string{"orders:read", "profile"}, Audiences: []string{s.Issuer},
				Subject: user.Subject(), CredentialVersion: version, AuthTime: tenant.Start, ExpiresAt: tenant.Start.Add(time.Minute),
			}
			if diff := cmp.Diff(want, code); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAUserWhoDoesNotAgree(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	page := b.logIn(t, b.authorize(t, "app"))
	got := b.submit(t, page, "decision", "deny").answer(t, redirect)
	want := url.Values{"error": {"access_denied"}, "error_description": {"the user did not agree"}, "state": {"a state+&="}, "iss": {s.Issuer}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTheConsentPageTellsWhereATokenCounts beside the tenant itself.
func TestTheConsentPageTellsWhereATokenCounts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Put(app(gen.ClientAudiences("https://orders.example.com", s.Issuer)))
	b := s.browser(t)
	page := b.logIn(t, b.authorize(t, "app"))
	if !strings.Contains(page.body, "<code>https://orders.example.com</code>") || strings.Contains(page.body, "<code>"+s.Issuer) {
		t.Errorf("the page: %s", page.body)
	}
	code := wantCode(t, s, b.submit(t, page, "decision", "allow").answer(t, redirect))
	if diff := cmp.Diff([]string{"https://orders.example.com", s.Issuer}, code.Audiences); diff != "" {
		t.Errorf("the code's audiences (-want +got):\n%s", diff)
	}
}

func TestABrowserIsKnownAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	code := wantCode(t, s, b.logIn(t, b.authorize(t, "web")).answer(t, "https://web.example.com/cb?from=login&"))
	if code.RedirectSent || !code.AuthTime.Equal(tenant.Start) {
		t.Errorf("the code is %+v", code)
	}
	s.Clock.Step(time.Hour)
	again := wantCode(t, s, b.authorize(t, "web").answer(t, "https://web.example.com/cb"))
	if !again.AuthTime.Equal(tenant.Start) || again.ID == code.ID {
		t.Errorf("the second code is %+v", again)
	}
	wantPage(t, b.authorize(t, "app"), http.StatusOK, consentTitle)
	wantPage(t, s.browser(t).authorize(t, "web"), http.StatusOK, loginTitle)
}

func TestWhatEndsABrowsersSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*site){
		"its time":              func(s *site) { s.Clock.Step(tokens.BrowserLifetime) },
		"another password":      func(s *site) { s.Put(gen.PasswordSecret("alice", "another")) },
		"a user who may not":    func(s *site) { s.Put(gen.AuthUser("alice", gen.Password(), gen.Disabled())) },
		"a user who is gone":    func(s *site) { s.Remove(gen.AuthUser("alice")) },
		"a password that ended": func(s *site) { s.Remove(gen.PasswordSecret("alice", password)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			b := s.browser(t)
			page := b.logIn(t, b.authorize(t, "app"))
			wantPage(t, page, http.StatusOK, consentTitle)
			end(s)
			wantPage(t, b.authorize(t, "web"), http.StatusOK, loginTitle)
			led := b.submit(t, page, "decision", "allow")
			wantPage(t, b.follow(t, led), http.StatusOK, loginTitle)
		})
	}
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		known bool // alice has logged in an hour ago
		more  []string
		want  string // the title of a page, or an error
	}{
		"none, and a stranger":                       {false, []string{"prompt", "none"}, "login_required"},
		"none, and somebody who was asked never":     {true, []string{"prompt", "none"}, consentTitle + "/none"},
		"none with another":                          {true, []string{"prompt", "none login"}, "invalid_request"},
		"login, and somebody known":                  {true, []string{"prompt", "login"}, loginTitle},
		"another account":                            {true, []string{"prompt", "select_account"}, loginTitle},
		"consent, and a client that need not ask":    {true, []string{"prompt", "consent"}, consentTitle},
		"consent, without asking":                    {true, []string{"prompt", "consent none"}, "invalid_request"},
		"a word of its own":                          {true, []string{"prompt", "create"}, "invalid_request"},
		"a max_age that has passed":                  {true, []string{"max_age", "3599"}, loginTitle},
		"a max_age that has not":                     {true, []string{"max_age", "3600"}, "code"},
		"a max_age that has passed, without asking":  {true, []string{"max_age", "1", "prompt", "none"}, "login_required"},
		"a max_age of no seconds":                    {true, []string{"max_age", "0"}, loginTitle},
		"a max_age that is longer than all of time":  {true, []string{"max_age", "9223372036854775807"}, "code"},
		"a max_age that is no number":                {true, []string{"max_age", "-1"}, "invalid_request"},
		"nothing, and a client that asks for nobody": {true, nil, "code"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			b := s.browser(t)
			clientID, back := "web", "https://web.example.com/cb"
			if tc.want == consentTitle+"/none" {
				clientID, back, tc.want = "app", redirect, "consent_required"
			}
			if tc.known {
				b.logIn(t, b.authorize(t, "web"))
				s.Clock.Step(time.Hour)
			}
			page := b.authorize(t, clientID, tc.more...)
			switch tc.want {
			case loginTitle, consentTitle:
				wantPage(t, page, http.StatusOK, tc.want)
			case "code":
				wantCode(t, s, page.answer(t, back))
			default:
				if answer := page.answer(t, back); answer.Get("error") != tc.want || answer.Get("iss") != s.Issuer || answer.Get("state") == "" {
					t.Errorf("answered %q, want %s", answer, tc.want)
				}
			}
		})
	}
}

// TestALoginThatWasAskedForIsAskedForOnce: the parameters that asked for it are met by it.
func TestALoginThatWasAskedForIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for name, more := range map[string][]string{
		"by prompt": {"prompt", "login"}, "by max_age": {"max_age", "0"}, "by both": {"prompt", "login", "max_age", "0"},
	} {
		s := serve(t)
		b := s.browser(t)
		b.logIn(t, b.authorize(t, "web"))
		s.Clock.Step(time.Hour)
		code := wantCode(t, s, b.logIn(t, b.authorize(t, "web", more...)).answer(t, "https://web.example.com/cb"))
		if want := tenant.Start.Add(time.Hour); !code.AuthTime.Equal(want) {
			t.Errorf("%s: auth_time %v, want %v", name, code.AuthTime, want)
		}
	}
	s := serve(t)
	b := s.browser(t)
	wantPage(t, b.logIn(t, b.authorize(t, "web", "prompt", "login consent")), http.StatusOK, consentTitle)
}
