package pages_test

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/pages"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// password is alice's. It may turn up in no answer and no log.
const password = "canary password+7c1f"

// The challenge of RFC 7636, appendix B.
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const redirect = "https://app.example.com/cb"

// team are alice and three clients: a public one that asks for consent, a public one of a program on
// the user's device, and one of the tenant's own that asks nobody.
func team() []client.Object {
	return []client.Object{
		gen.AuthUser("alice", gen.Password(), gen.UserScopes("orders:read", "profile", "email"), gen.Profile("Alice", "Doe", "alice@example.com")),
		gen.PasswordSecret("alice", password),
		app(),
		gen.AuthClient("phone", gen.PublicClient(), gen.GrantTypes(), gen.RedirectURIs("com.example.phone:/cb", "http://127.0.0.1/cb"), scopes),
		gen.AuthClient("web", gen.GrantTypes(), gen.RedirectURIs("https://web.example.com/cb?from=login"), scopes, gen.ConsentImplied()),
		gen.AuthClient("robot", gen.GrantTypes(v1alpha1.GrantTypeClientCredentials), gen.RedirectURIs(redirect), scopes, withoutLogin),
	}
}

var scopes = gen.ClientScopes("orders:*", "profile", "email")

func app(mods ...func(*v1alpha1.AuthClient)) *v1alpha1.AuthClient {
	return gen.AuthClient("app", append([]func(*v1alpha1.AuthClient){
		gen.PublicClient(), gen.GrantTypes(v1alpha1.GrantTypeRefreshToken), gen.RedirectURIs(redirect), scopes,
	}, mods...)...)
}

// withoutLogin has redirect URIs and may not use them.
func withoutLogin(c *v1alpha1.AuthClient) {
	c.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeClientCredentials}
}

// site is the endpoint as browsers see it.
type site struct {
	*tenant.Tenant
	*httptest.Server

	mu  sync.Mutex
	log []string
}

// serve mounts the pages over a tenant in memory: what writes anything panics.
func serve(t testing.TB) *site {
	t.Helper()
	s := &site{Tenant: tenant.Memory(t)}
	s.Put(team()...)
	metrics, err := endpoint.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	log := funcr.New(func(prefix, line string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, prefix+line)
	}, funcr.Options{Verbosity: 10})
	mux, err := endpoint.NewMux(endpoint.MuxOptions{
		DefaultTenant: s.Namespace, Health: endpoint.NewHealth(log), Metrics: metrics, Log: log,
		Clock: clock.RealClock{}, Rand: strings.NewReader("the ids of requests"),
	}, pages.New(s.Service, log).Dialect())
	if err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Server.Close)
	return s
}

func (s *site) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// browser keeps cookies, and stays where it is told to go elsewhere.
type browser struct {
	*http.Client
	site *site
	// origin is what its forms say where they come from; empty: the site.
	origin string
}

func (s *site) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{site: s, Client: &http.Client{
		Transport: s.Server.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// view is what a browser got.
type view struct {
	*http.Response
	body string
}

func (b *browser) do(t testing.TB, r *http.Request) *view {
	t.Helper()
	response, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &view{response, string(body)}
}

func (b *browser) get(t testing.TB, path string) *view {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.site.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, r)
}

// authorize asks with parameters beside those of a good request of a client's.
func (b *browser) authorize(t testing.TB, clientID string, more ...string) *view {
	t.Helper()
	return b.get(t, "/authorize?"+asking(clientID, more...).Encode())
}

// asking is a request of a client's, with pairs of more parameters; an empty value takes one away.
func asking(clientID string, more ...string) url.Values {
	values := url.Values{
		"client_id": {clientID}, "response_type": {"code"}, "state": {"a state+&="}, "scope": {"orders:read"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	switch clientID {
	case "app", "robot":
		values.Set("redirect_uri", redirect)
	case "phone":
		values.Set("redirect_uri", "com.example.phone:/cb")
	}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] == "" {
			values.Del(more[i])
		} else {
			values[more[i]] = append(values[more[i]][:0:0], more[i+1])
		}
	}
	return values
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	formToken  = regexp.MustCompile(`<input type="hidden" name="token" value="([^"]*)">`)
)

// submit fills in the one form of a page and sends it.
func (b *browser) submit(t testing.TB, on *view, fields ...string) *view {
	t.Helper()
	action, token := formAction.FindStringSubmatch(on.body), formToken.FindStringSubmatch(on.body)
	if action == nil || token == nil {
		t.Fatalf("there is no form: %d %s", on.StatusCode, on.body)
	}
	values := url.Values{"token": {html.UnescapeString(token[1])}}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	to, err := on.Request.URL.Parse(html.UnescapeString(action[1]))
	if err != nil {
		t.Fatal(err)
	}
	return b.post(t, to.String(), values)
}

func (b *browser) post(t testing.TB, to string, values url.Values) *view {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.site.URL)
	if b.origin != "" {
		r.Header.Set("Origin", b.origin)
	}
	return b.do(t, r)
}

// logIn logs alice in on a login page and gives what she is led to.
func (b *browser) logIn(t testing.TB, on *view) *view {
	t.Helper()
	led := b.submit(t, on, "username", "alice", "password", password)
	if led.StatusCode != http.StatusSeeOther {
		t.Fatalf("the login got %d %s", led.StatusCode, led.body)
	}
	return b.follow(t, led)
}

// follow goes where a browser is led to within the site.
func (b *browser) follow(t testing.TB, led *view) *view {
	t.Helper()
	to, err := led.Location()
	if err != nil {
		t.Fatal(err)
	}
	if to.Host != led.Request.URL.Host {
		t.Fatalf("led to %s", to)
	}
	return b.get(t, to.RequestURI())
}

// answer is what the client is told; the browser has to have been led to its redirect URI.
func (v *view) answer(t testing.TB, redirect string) url.Values {
	t.Helper()
	location := v.Header.Get("Location")
	if v.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, redirect) {
		t.Fatalf("got %d, led to %q, want %q: %s", v.StatusCode, location, redirect, v.body)
	}
	_, query, _ := strings.Cut(location, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// wantPage wants a page of a title.
func wantPage(t testing.TB, v *view, status int, title string) {
	t.Helper()
	if v.StatusCode != status || !strings.Contains(v.body, "<h1>"+title+"</h1>") {
		t.Errorf("got %d %q %s, want %d %q", v.StatusCode, v.Header.Get("Location"), v.body, status, title)
	}
}
