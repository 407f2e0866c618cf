package operator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestALoginInABrowser takes a public client from the login page to its second code: what a person and
// their browser do, and what the client does with what it gets.
func TestALoginInABrowser(t *testing.T) {
	t.Parallel()
	const (
		password = "canary-browser-5d1f0e"
		verifier = "canary-verifier-9a7c31-canary-verifier-9a7c31"
		redirect = "com.example.app:/callback"
	)
	plant("a password typed into the login page", password)
	plant("a code verifier", verifier)
	s := newScene()
	user := s.user(gen.Password())
	app := gen.AuthClient(s.name("app"), gen.PublicClient(), gen.GrantTypes(v1alpha1.GrantTypeRefreshToken),
		gen.RedirectURIs(redirect), gen.ClientScopes("orders:*"), gen.DefaultScopes("orders:read"))
	billing, g := s.client(), s.grant()
	s.apply(t, gen.PasswordSecret(user.Name, password), user, app, billing, g)
	awaitReady(t, user, app, g)
	caller := newCaller(t, secretOf(t, g))
	b := newBrowser(t, caller)

	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"client_id": {app.Name}, "redirect_uri": {redirect}, "response_type": {"code"}, "state": {"xyz"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	login := b.get(t, caller.issuer+"/authorize?"+query.Encode())
	if wrong := b.submit(t, login, url.Values{"username": {user.Name}, "password": {"wrong"}}); wrong.StatusCode != http.StatusBadRequest {
		t.Errorf("a wrong password: %d", wrong.StatusCode)
	}
	led := b.submit(t, login, url.Values{"username": {user.Name}, "password": {password}})
	consent := b.get(t, led.location(t))
	plant("a browser's cookie", b.cookie(t, caller.issuer))
	back, err := url.Parse(b.submit(t, consent, url.Values{"decision": {"allow"}}).location(t))
	if err != nil {
		t.Fatal(err)
	}
	code := back.Query().Get("code")
	plant("an authorization code", code)
	if back.Scheme != "com.example.app" || code == "" || back.Query().Get("state") != "xyz" || back.Query().Get("iss") != caller.issuer {
		t.Fatalf("the browser is led to %s with %d parameters", back.Scheme, len(back.Query()))
	}

	redeem := func(verifier string, wantStatus int) map[string]any {
		t.Helper()
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {app.Name}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
		return caller.form(t, "", "", form, wantStatus)
	}
	redeem(strings.Repeat("x", 43), http.StatusBadRequest)
	answer := redeem(verifier, http.StatusOK)
	plant("an access token for a code", answer["access_token"].(string))
	refresh := func(token string, wantStatus int) map[string]any {
		t.Helper()
		return caller.form(t, "", "", url.Values{"grant_type": {"refresh_token"}, "client_id": {app.Name}, "refresh_token": {token}}, wantStatus)
	}
	next := refresh(answer["refresh_token"].(string), http.StatusOK)["refresh_token"].(string)
	plant("a refresh token for a code", next)
	if next == answer["refresh_token"] {
		t.Error("the refresh token of a public client did not rotate")
	}
	redeem(verifier, http.StatusBadRequest)
	refresh(next, http.StatusBadRequest)
}

// browser keeps cookies, and stays where it is told to go elsewhere.
type browser struct{ *http.Client }

func newBrowser(t *testing.T, of *caller) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{
		Transport: of.http.Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// seenPage is what a browser got.
type seenPage struct {
	*http.Response
	body string
}

func (b *browser) do(t *testing.T, r *http.Request) *seenPage {
	t.Helper()
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for what := range tellTales(body) {
		t.Errorf("%s: the page tells %s", r.URL.Path, what)
	}
	return &seenPage{response, string(body)}
}

func (b *browser) get(t *testing.T, to string) *seenPage {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, r)
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	formToken  = regexp.MustCompile(`name="token" value="([^"]*)"`)
)

// submit fills in the form of a page and sends it.
func (b *browser) submit(t *testing.T, on *seenPage, fields url.Values) *seenPage {
	t.Helper()
	action, token := formAction.FindStringSubmatch(on.body), formToken.FindStringSubmatch(on.body)
	if action == nil || token == nil {
		t.Fatalf("%s: %d, and no form", on.Request.URL.Path, on.StatusCode)
	}
	to, err := on.Request.URL.Parse(html.UnescapeString(action[1]))
	if err != nil {
		t.Fatal(err)
	}
	fields.Set("token", html.UnescapeString(token[1]))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(t, r)
}

// cookie is the one that a tenant's pages have set.
func (b *browser) cookie(t *testing.T, issuer string) string {
	t.Helper()
	at, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.Jar.Cookies(at)
	if len(cookies) != 1 {
		t.Fatalf("there are %d cookies, want 1", len(cookies))
	}
	return cookies[0].Value
}

// location is where a browser is led to.
func (p *seenPage) location(t *testing.T) string {
	t.Helper()
	to, err := p.Location()
	if p.StatusCode != http.StatusSeeOther || err != nil {
		t.Fatalf("%s: %d (%v)", p.Request.URL.Path, p.StatusCode, err)
	}
	return to.String()
}
