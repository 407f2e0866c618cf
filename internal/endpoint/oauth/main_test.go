package oauth_test

import (
	"context"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/oauth"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

var (
	cp     *controlplane.ControlPlane
	update = flag.Bool("update", false, "write the golden files anew")
)

func TestMain(m *testing.M) {
	if os.Getenv(loadVariable) != "" {
		if err := clientsMain(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
}

// The credentials of the people and programs below. None may turn up in an error or a log.
const (
	password     = "canary password+7c1f"
	clientSecret = "canary:secret%91be"
)

// appOrigin is where the pages are from that may call the endpoint.
const appOrigin = "https://app.example.com"

const formType = "application/x-www-form-urlencoded"

// team are alice, three clients of every kind, and their Secrets.
func team() []client.Object {
	scopes := []string{"orders:*", "profile", "PRODUCTION"}
	return []client.Object{
		gen.AuthUser("alice", gen.Password(), gen.UserScopes(scopes...), gen.Profile("Alice", "Doe", "alice@example.com")),
		gen.PasswordSecret("alice", password),
		gen.AuthClient("billing", gen.EveryGrantType(), gen.ClientScopes(scopes...), gen.DefaultScopes("orders:read"),
			gen.ClientAudiences("https://orders.example.com", "https://stock.example.com")),
		gen.ClientSecret("billing", clientSecret),
		gen.AuthClient("shop", gen.SecretPost(), gen.GrantTypes(v1alpha1.GrantTypePassword), gen.ClientScopes(scopes...)),
		gen.ClientSecret("shop", clientSecret),
		gen.RefreshTokenGrant("nightly", gen.DeliversRefreshToken(), gen.GrantScopes("orders:read", "orders:write")),
	}
}

// server is the endpoint as the operator mounts it, over one tenant's service.
type server struct {
	http.Handler
	*tenant.Tenant

	mu  sync.Mutex
	log []string
}

// serve mounts the token endpoint beside another dialect's, which stands for the wazo one.
func serve(t testing.TB, x *tenant.Tenant) *server {
	t.Helper()
	s := &server{Tenant: x}
	s.mount(t, funcr.New(s.note, funcr.Options{Verbosity: 10}))
	return s
}

func (s *server) mount(t testing.TB, log logr.Logger) {
	t.Helper()
	metrics, err := endpoint.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	other := func(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) { w.WriteHeader(http.StatusTeapot) }
	form := oauth.NewTokenEndpoint(s.Service, log)
	open := endpoint.Dialect{
		Routes: append(append(form.Routes(), endpoint.JWKSRoutes(s.Service.JWKS, 5*time.Minute, form.Fail)...), endpoint.Route{
			Method:  http.MethodPost,
			Pattern: "/token",
			Handle:  endpoint.ByContentType("application/json", other, form.Token),
		}),
		Refuse:      oauth.Refuse,
		CrossOrigin: oauth.CrossOrigin(),
	}
	closed := endpoint.Dialect{Routes: form.SecretRoutes(), Refuse: oauth.Refuse}
	s.Handler, err = endpoint.NewMux(endpoint.MuxOptions{
		DefaultTenant:  s.Namespace,
		AllowedOrigins: []string{appOrigin},
		Health:         endpoint.NewHealth(log),
		Metrics:        metrics,
		Log:            log,
		Clock:          clock.RealClock{},
		Rand:           strings.NewReader("the ids of requests"),
	}, open, closed)
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) note(prefix, line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, prefix+line)
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.log, "\n")
}

// inMemory serves the team without an API server.
func inMemory(t testing.TB) *server {
	t.Helper()
	x := tenant.Memory(t)
	x.Put(team()...)
	return serve(t, x)
}

// onAPIServer serves the team with one.
func onAPIServer(t testing.TB) (*server, *tenant.OnAPIServer) {
	t.Helper()
	x := tenant.Live(t, cp)
	x.Create(t, team()...)
	return serve(t, x.Tenant), x
}

// refreshToken is what the Secret of the applied grant holds.
func (s *server) refreshToken(t testing.TB) string {
	t.Helper()
	grant, ok := s.Rows(t).Grant("nightly")
	if !ok {
		t.Fatal("there is no grant")
	}
	token, err := issuing.DeliveredRefreshToken(s.Ring, grant)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// request is a token request. The zero value is a POST of nothing to /token.
type request struct {
	method  string // absent: POST
	path    string // absent: /token
	form    string
	headers []string // pairs
	typed   bool     // headers say the Content-Type
	chunked bool     // the length of the form is not announced
	from    string   // the address of the peer; absent: httptest's
}

// form encodes pairs of names and values.
func form(pairs ...string) string {
	var encoded []string
	for i := 0; i < len(pairs); i += 2 {
		encoded = append(encoded, url.QueryEscape(pairs[i])+"="+url.QueryEscape(pairs[i+1]))
	}
	return strings.Join(encoded, "&")
}

// basic are a client's credentials as RFC 6749 §2.3.1 has them.
func basic(id, secret string) []string {
	joined := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(joined))}
}

// send sends a request, with a form unless its headers say another type.
func (s *server) send(t testing.TB, r request) *httptest.ResponseRecorder {
	t.Helper()
	return s.sendIn(t.Context(), r)
}

func (s *server) sendIn(ctx context.Context, r request) *httptest.ResponseRecorder {
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.path == "" {
		r.path = "/token"
	}
	sent := httptest.NewRequestWithContext(ctx, r.method, r.path, strings.NewReader(r.form))
	if r.from != "" {
		sent.RemoteAddr = r.from
	}
	if r.chunked {
		sent.ContentLength = -1
	}
	if !r.typed {
		sent.Header.Set("Content-Type", formType)
	}
	for i := 0; i < len(r.headers); i += 2 {
		sent.Header.Add(r.headers[i], r.headers[i+1])
	}
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, sent)
	return recorder
}

// wire prints what the RFCs say of an answer: its status, these headers, and its body.
func wire(answer *httptest.ResponseRecorder) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s\n", answer.Code, http.StatusText(answer.Code))
	for _, name := range []string{"Allow", "Cache-Control", "Content-Length", "Content-Type", "Pragma", "Retry-After", "WWW-Authenticate"} {
		for _, value := range answer.Header().Values(name) {
			text.WriteString(name + ": " + value + "\n")
		}
	}
	return text.String() + "\n" + answer.Body.String()
}

// golden compares with testdata/<name>.golden.
func golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
