package pages_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestWhereNobodyIsSent are requests whose client or redirect URI cannot be trusted.
func TestWhereNobodyIsSent(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tests := map[string]struct {
		query  string
		status int
	}{
		"no client":                      {asking("app", "client_id", "").Encode(), http.StatusBadRequest},
		"an unknown client":              {asking("nobody", "redirect_uri", redirect).Encode(), http.StatusBadRequest},
		"a redirect URI of nobody's":     {asking("app", "redirect_uri", "https://evil.example.com/cb").Encode(), http.StatusBadRequest},
		"a redirect URI with more":       {asking("app", "redirect_uri", redirect+"/x").Encode(), http.StatusBadRequest},
		"a redirect URI in another case": {asking("app", "redirect_uri", "https://APP.example.com/cb").Encode(), http.StatusBadRequest},
		"which of several redirect URIs": {asking("phone", "redirect_uri", "").Encode(), http.StatusBadRequest},
		"two clients":                    {asking("app").Encode() + "&client_id=web", http.StatusBadRequest},
		"two redirect URIs":              {asking("app").Encode() + "&redirect_uri=https://evil.example.com/cb", http.StatusBadRequest},
		"a query that is none":           {asking("app").Encode() + "&x=%", http.StatusBadRequest},
		"text that is not UTF-8":         {asking("app").Encode() + "&nonsense&scope=%ff", http.StatusBadRequest},
		"nothing":                        {"", http.StatusBadRequest},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := s.browser(t).get(t, "/authorize?"+tc.query)
			wantPage(t, page, tc.status, failureTitle)
			if page.Header.Get("Location") != "" || strings.Contains(page.body, "evil") {
				t.Errorf("led to %q: %s", page.Header.Get("Location"), page.body)
			}
		})
	}
}

// TestWhatTheClientIsTold are requests whose answer goes to the redirect URI.
func TestWhatTheClientIsTold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	tests := map[string]struct {
		query url.Values
		want  string
	}{
		"no response type":                    {asking("app", "response_type", ""), "invalid_request"},
		"a token":                             {asking("app", "response_type", "token"), "unsupported_response_type"},
		"a client that logs nobody in":        {asking("robot"), "unauthorized_client"},
		"no challenge of a public client":     {asking("app", "code_challenge", "", "code_challenge_method", ""), "invalid_request"},
		"a method without a challenge":        {asking("app", "code_challenge", ""), "invalid_request"},
		"a challenge without a method":        {asking("app", "code_challenge_method", ""), "invalid_request"},
		"a plain challenge":                   {asking("app", "code_challenge_method", "plain"), "invalid_request"},
		"a challenge that is too short":       {asking("app", "code_challenge", challenge[:42]), "invalid_request"},
		"a challenge that is no base64url":    {asking("app", "code_challenge", challenge[:42]+"+"), "invalid_request"},
		"a scope that nobody can have":        {asking("app", "scope", "orders:*"), "invalid_scope"},
		"a scope that is not the client's":    {asking("app", "scope", "stock:read"), "invalid_scope"},
		"a resource that is none":             {asking("app", "resource", "orders"), "invalid_target"},
		"a resource that is not the client's": {asking("app", "resource", "https://orders.example.com"), "invalid_target"},
		"a request object":                    {asking("app", "request", "x.y.z"), "request_not_supported"},
		"a request object elsewhere":          {asking("app", "request_uri", "https://app.example.com/r"), "request_uri_not_supported"},
		"an answer in a fragment":             {asking("app", "response_mode", "fragment"), "invalid_request"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.browser(t).get(t, "/authorize?"+tc.query.Encode()).answer(t, redirect+"?")
			if answer.Get("error") != tc.want || answer.Get("state") != "a state+&=" || answer.Get("iss") != s.Issuer || answer.Has("code") {
				t.Errorf("answered %q, want %s", answer, tc.want)
			}
		})
	}
	answer := s.browser(t).get(t, "/authorize?"+asking("app").Encode()+"&scope=a&state=b").answer(t, redirect+"?")
	if answer.Get("error") != "invalid_request" || answer.Has("state") {
		t.Errorf("repeated parameters: answered %q", answer)
	}
}

// TestAScopeThatTheUserMayNotHave: the client is told of whoever has just logged in for it; whoever was
// logged in before may be somebody else now.
func TestAScopeThatTheUserMayNotHave(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	answer := b.submit(t, b.authorize(t, "app", "scope", "orders:write"), "username", "alice", "password", password).answer(t, redirect)
	if answer.Get("error") != "invalid_scope" {
		t.Errorf("answered %q", answer)
	}
	page := b.authorize(t, "app", "scope", "orders:write")
	wantPage(t, page, http.StatusOK, loginTitle)
	if !strings.Contains(page.body, "alice may not give this application what it asks for") {
		t.Errorf("the page does not tell why: %s", page.body)
	}
	if answer := b.authorize(t, "app", "scope", "orders:write", "prompt", "none").answer(t, redirect); answer.Get("error") != "invalid_scope" {
		t.Errorf("without asking: answered %q", answer)
	}
	s.Put(gen.AuthUser("bob", gen.Password(), gen.UserScopes("orders:*")), gen.PasswordSecret("bob", password))
	wantPage(t, b.follow(t, b.submit(t, page, "username", "bob", "password", password)), http.StatusOK, consentTitle)
}

// TestAStateThatIsTooLong is not carried on: it stands in the address of every page.
func TestAStateThatIsTooLong(t *testing.T) {
	t.Parallel()
	s := serve(t)
	wantPage(t, s.browser(t).authorize(t, "app", "state", strings.Repeat("x", 2048)), http.StatusOK, loginTitle)
	answer := s.browser(t).authorize(t, "app", "state", strings.Repeat("x", 2049)).answer(t, redirect+"?")
	if answer.Get("error") != "invalid_request" || answer.Has("state") {
		t.Errorf("answered %q", answer)
	}
}

func TestALoginThatFails(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	page := b.authorize(t, "web")
	var pages []string
	for _, login := range []string{"alice", "nobody"} {
		failed := b.submit(t, page, "username", login, "password", "wrong")
		wantPage(t, failed, http.StatusBadRequest, loginTitle)
		pages = append(pages, strings.ReplaceAll(failed.body, login, ""))
		page = failed
	}
	if pages[0] != pages[1] {
		t.Errorf("the page tells a login that exists from one that does not:\n%s\n%s", pages[0], pages[1])
	}
	wantPage(t, b.follow(t, b.get(t, page.Request.URL.RequestURI())), http.StatusOK, loginTitle)
	for range 5 {
		page = b.submit(t, page, "username", "alice", "password", "wrong")
	}
	wantPage(t, page, http.StatusTooManyRequests, loginTitle)
	if page.Header.Get("Retry-After") == "" {
		t.Error("nobody is told how long to wait")
	}
	wantPage(t, b.submit(t, page, "username", "alice", "password", password), http.StatusTooManyRequests, loginTitle)
	s.Clock.Step(time.Hour)
	b.logIn(t, page)
	if logged := s.logged(); strings.Contains(logged, password) || strings.Contains(logged, "wrong") || strings.Contains(logged, "a+state") {
		t.Errorf("the log tells of a request: %s", logged)
	}
}

// desk is where somebody sits at a browser.
type desk struct {
	*browser
	t *testing.T
}

// TestWhoseFormCounts takes a form from a page and sends it in ways in which nobody else may.
func TestWhoseFormCounts(t *testing.T) {
	t.Parallel()
	fields := []string{"username", "alice", "password", password, "decision", "allow"}
	logIn := func(on desk) *view { return on.authorize(on.t, "app") }
	agree := func(on desk) *view { return on.logIn(on.t, on.authorize(on.t, "app")) }
	agreeToDefaults := func(on desk) *view { return on.logIn(on.t, on.authorize(on.t, "app", "scope", "")) }
	tests := map[string]struct {
		page func(desk) *view
		send func(desk, *view) *view
		// status of what comes of it; no form that is refused leads to a client.
		status int
	}{
		"a login of another site": {logIn, func(on desk, page *view) *view {
			on.origin = "https://evil.example.com"
			return on.submit(on.t, page, fields...)
		}, http.StatusForbidden},
		"a consent of another site": {agree, func(on desk, page *view) *view {
			on.origin = "https://evil.example.com"
			return on.submit(on.t, page, fields...)
		}, http.StatusForbidden},
		"a form of a page that hides where it is from": {agree, func(on desk, page *view) *view {
			on.origin = "null"
			return on.submit(on.t, page, fields...)
		}, http.StatusForbidden},
		"a login in another browser": {logIn, func(on desk, page *view) *view {
			other := on.site.browser(on.t)
			other.authorize(on.t, "app")
			return other.submit(on.t, page, fields...)
		}, http.StatusBadRequest},
		"a login in a browser without a cookie": {logIn, func(on desk, page *view) *view {
			return on.site.browser(on.t).submit(on.t, page, fields...)
		}, http.StatusBadRequest},
		"a consent in another browser": {agree, func(on desk, page *view) *view {
			other := on.site.browser(on.t)
			other.logIn(on.t, other.authorize(on.t, "app"))
			return other.submit(on.t, page, fields...)
		}, http.StatusSeeOther},
		"a consent to another request": {agree, func(on desk, page *view) *view {
			page.body = strings.ReplaceAll(page.body, "orders%3Aread", "profile")
			return on.submit(on.t, page, fields...)
		}, http.StatusSeeOther},
		"a login's form as a consent": {logIn, func(on desk, page *view) *view {
			token := formToken.FindStringSubmatch(page.body)[1]
			on.logIn(on.t, page)
			return on.post(on.t, on.site.URL+"/consent?"+asking("app").Encode(), url.Values{"token": {token}, "decision": {"allow"}})
		}, http.StatusSeeOther},
		"a consent to other scopes than were shown": {agreeToDefaults, func(on desk, page *view) *view {
			on.site.Put(app(gen.DefaultScopes("email")))
			return on.submit(on.t, page, fields...)
		}, http.StatusSeeOther},
		"a consent to other audiences than were shown": {agreeToDefaults, func(on desk, page *view) *view {
			on.site.Put(app(gen.ClientAudiences("https://orders.example.com")))
			return on.submit(on.t, page, fields...)
		}, http.StatusSeeOther},
		"no token": {agree, func(on desk, _ *view) *view {
			return on.post(on.t, on.site.URL+"/consent?"+asking("app").Encode(), url.Values{"decision": {"allow"}})
		}, http.StatusSeeOther},
		"a form that is none": {agree, func(on desk, _ *view) *view {
			return on.post(on.t, on.site.URL+"/consent?"+asking("app").Encode()+"&x=%", url.Values{})
		}, http.StatusBadRequest},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			on := desk{s.browser(t), t}
			got := tc.send(on, tc.page(on))
			if got.StatusCode != tc.status || strings.Contains(got.Header.Get("Location"), "code=") {
				t.Errorf("got %d, led to %q, want %d", got.StatusCode, got.Header.Get("Location"), tc.status)
			}
			for _, cookie := range got.Cookies() {
				if known, err := tokens.OpenBrowser(s.Ring, cookie.Value); err != nil || known.Subject != "" {
					t.Errorf("somebody is logged in (%v)", err)
				}
			}
		})
	}
}

func TestTheCookie(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	page := b.authorize(t, "app")
	stranger := theCookie(t, page)
	known := theCookie(t, b.submit(t, page, "username", "alice", "password", password))
	if stranger.Value == known.Value {
		t.Error("a login leaves the browser as it was: whoever had given it its cookie would be logged in")
	}
	before, err := tokens.OpenBrowser(s.Ring, stranger.Value)
	if err != nil {
		t.Fatal(err)
	}
	after, err := tokens.OpenBrowser(s.Ring, known.Value)
	if err != nil {
		t.Fatal(err)
	}
	if before.ID == after.ID || before.Subject != "" || after.Subject != gen.Subject("alice") || !after.ExpiresAt.Equal(tenant.Start.Add(8*time.Hour)) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if again := b.authorize(t, "app"); len(again.Cookies()) != 0 {
		t.Error("a browser that has its cookie gets another one")
	}
}

func theCookie(t *testing.T, v *view) *http.Cookie {
	t.Helper()
	cookies := v.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("there are %d cookies, want 1", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-grantkeeper-"+gen.Namespace || c.Path != "/" || c.Domain != "" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 {
		t.Errorf("the cookie is %s=…; %+v", c.Name, *c)
	}
	return c
}

var styleSheet = regexp.MustCompile(`(?s)<style>(.*)</style>`)

func TestWhatAPageMayDo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	loginPage := b.authorize(t, "app")
	tests := map[string]struct {
		page *view
		form string
	}{
		"the login":                     {loginPage, "'self' https://app.example.com"},
		"the consent":                   {b.logIn(t, loginPage), "'self' https://app.example.com"},
		"the login for a phone":         {s.browser(t).authorize(t, "phone"), "'self' com.example.phone:"},
		"the login for a program":       {s.browser(t).authorize(t, "phone", "redirect_uri", "http://127.0.0.1:4711/cb"), "'self' http://127.0.0.1:4711"},
		"a failure":                     {s.browser(t).get(t, "/authorize"), "'none'"},
		"a method that there is not":    {b.post(t, s.URL+"/authorize", nil), "'none'"},
		"a form that came from nowhere": {b.post(t, s.URL+"/login", nil), "'none'"},
	}
	for name, tc := range tests {
		style := styleSheet.FindStringSubmatch(tc.page.body)
		if style == nil {
			t.Errorf("%s has no style: %s", name, tc.page.body)
			continue
		}
		sum := sha256.Sum256([]byte(style[1]))
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; form-action " + tc.form + "; frame-ancestors 'none'; base-uri 'none'",
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := tc.page.Header.Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if strings.Contains(tc.page.body, "<script") || strings.Contains(tc.page.body, " style=") || strings.Contains(tc.page.body, "http-equiv") {
			t.Errorf("%s does more than show: %s", name, tc.page.body)
		}
	}
}

// TestWhatARequestSaysIsText: nothing that a stranger writes into a link becomes a part of the page.
func TestWhatARequestSaysIsText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Put(gen.AuthTenant(func(at *v1alpha1.AuthTenant) { at.Spec.DisplayName = "Orders & <b>Stock</b>" }))
	b := s.browser(t)
	page := b.authorize(t, "web", "state", `"><script>alert(1)</script>`)
	if strings.Contains(page.body, "<script>") || strings.Contains(page.body, "<b>") || !strings.Contains(page.body, "Orders &amp; &lt;b&gt;Stock") {
		t.Errorf("the page: %s", page.body)
	}
	failed := b.submit(t, page, "username", `"><script>alert(1)</script>`, "password", "wrong")
	if strings.Contains(failed.body, "<script>") || strings.Contains(failed.body, "wrong\"") {
		t.Errorf("the page: %s", failed.body)
	}
	answer := b.logIn(t, failed).answer(t, "https://web.example.com/cb")
	if answer.Get("state") != `"><script>alert(1)</script>` {
		t.Errorf("the state is %q", answer.Get("state"))
	}
}

func TestATenantThatDoesNotSpeakOAuth2HasNoPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	page := s.browser(t).authorize(t, "app")
	s.Put(gen.AuthTenant(gen.Dialects(v1alpha1.DialectWazo)))
	wantPage(t, s.browser(t).authorize(t, "app"), http.StatusNotFound, failureTitle)
	wantPage(t, s.browser(t).submit(t, page), http.StatusNotFound, failureTitle)
	wantPage(t, s.browser(t).get(t, "/t/elsewhere/authorize?"+asking("app").Encode()), http.StatusNotFound, failureTitle)
}

func TestATenantThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	page := b.authorize(t, "app")
	s.Directory.MarkLost(s.Namespace)
	wantPage(t, b.authorize(t, "app"), http.StatusServiceUnavailable, failureTitle)
	wantPage(t, b.submit(t, page, "username", "alice", "password", password), http.StatusServiceUnavailable, failureTitle)
}

func TestACookieThatSaysNothingIsAStrangers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/authorize?"+asking("app").Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "__Host-grantkeeper-" + gen.Namespace, Value: "made-up"})
	page := s.browser(t).do(t, r)
	wantPage(t, page, http.StatusOK, loginTitle)
	theCookie(t, page)
}
