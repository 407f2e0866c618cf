package wazo

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

const (
	issuer   = "https://auth.example.com"
	subject  = "6f1c2d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f"
	password = "correct horse battery staple"
	// patience bounds every wait of these tests. It is reached by failing tests only.
	patience = 30 * time.Second
)

// begin is when these tests take place, to the microsecond.
var begin = time.Date(2026, time.May, 4, 10, 30, 0, 250000000, time.UTC)

// tenant is one tenant with its endpoint, which is also the default tenant of the server.
type tenant struct {
	testing.TB
	*world
	namespace string
	clock     *clocktesting.FakePassiveClock
	log       *logged
	service   *issuing.Service
	accounts  *accounts.Service
	api       *API
	mux       *endpoint.Mux
	server    *httptest.Server
}

// newTenant makes a tenant in a namespace of its own, with the user alice in it.
func newTenant(t testing.TB, mods ...func(*issuing.Config)) *tenant {
	t.Helper()
	w, err := theWorld()
	if err != nil {
		t.Fatal(err)
	}
	return openTenant(t, w, w.Namespace(t), mods...)
}

// openTenant makes a tenant in a namespace that is there. Whatever is random comes from one stream,
// so that the same requests get the same tokens.
func openTenant(t testing.TB, w *world, namespace string, mods ...func(*issuing.Config)) *tenant {
	t.Helper()
	h := &tenant{TB: t, world: w, namespace: namespace, clock: clocktesting.NewFakePassiveClock(begin), log: &logged{}}
	verifier, err := passwords.New(h.clock, &locked{r: rand.NewChaCha8([32]byte{0})}, passwords.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kubernetes := store.NewKubernetes(w.client)
	live := store.NewLive(kubernetes, clock.RealClock{})
	config := issuing.Config{
		Directory: w.directory,
		Store:     kubernetes,
		Live:      live,
		Sessions:  store.NewSessions(w.directory, kubernetes, live, h.clock),
		Passwords: verifier,
		Limits:    revision.Limits{MaxJWTTTL: 24 * time.Hour},
		// The default tenant speaks both dialects.
		DefaultTenant: namespace,
		Clock:         h.clock,
		Rand:          &locked{r: rand.NewChaCha8([32]byte{1})},
	}
	for _, mod := range mods {
		mod(&config)
	}
	h.service = issuing.New(config)
	h.openAccounts(kubernetes)
	w.directory.SetRing(namespace, keystest.Ring(t, namespace, issuer), nil)
	w.directory.MarkRead(namespace, begin.AddDate(100, 0, 0))
	h.put(passwordSecret("alice-password", password))
	h.put(user("alice"))
	h.serve(h.log.logger())
	return h
}

// openAccounts makes what changes users, on a store of them.
func (h *tenant) openAccounts(users accounts.Store) {
	live := accounts.Live(emptyLive{})
	if h.client != nil {
		live = store.NewLive(store.NewKubernetes(h.client), clock.RealClock{})
	}
	h.accounts = accounts.New(accounts.Config{
		Directory: h.directory,
		Store:     users,
		Live:      live,
		Secrets:   secretwriter.New(h.client, h.client),
		Passwords: h.service.Passwords,
		Logins:    h.service,
		Clock:     clock.RealClock{}, // the API server's own
		Rand:      cryptorand.Reader,
	})
}

// in is the same tenant in a subtest.
func (h *tenant) in(t testing.TB) *tenant {
	t.Helper()
	sub := *h
	sub.TB = t
	return &sub
}

// serve mounts the dialect in a server, with a form handler beside it at /token.
func (h *tenant) serve(log logr.Logger) {
	h.Helper()
	h.api = New(Options{Service: h.service, Accounts: h.accounts, Clock: h.clock, Location: time.FixedZone("IST", 5*3600+1800), Log: log})
	metrics, err := endpoint.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		h.Fatal(err)
	}
	form := func(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) { w.WriteHeader(http.StatusTeapot) }
	shared := endpoint.Dialect{Routes: []endpoint.Route{
		{Method: http.MethodPost, Pattern: "/token", Handle: endpoint.ByContentType("application/json", h.api.CreateToken, form)},
	}}
	h.mux, err = endpoint.NewMux(endpoint.MuxOptions{
		DefaultTenant:  h.namespace,
		AllowedOrigins: []string{appOrigin},
		Health:         endpoint.NewHealth(logr.Discard()),
		Metrics:        metrics,
		Log:            log,
		Clock:          h.clock,
		Rand:           rand.NewChaCha8([32]byte{2}),
	}, h.api.Dialect(), shared)
	if err != nil {
		h.Fatal(err)
	}
	h.server = httptest.NewServer(held(h, h.mux))
	h.Cleanup(h.server.Close)
}

// locked is a Reader for several goroutines.
type locked struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *locked) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// logged collects everything that is logged.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logger() logr.Logger {
	return funcr.NewJSON(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, line)
	}, funcr.Options{Verbosity: 10})
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// user is an AuthUser with the password and the acl of these tests.
func user(name string, mods ...func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
	u := &v1alpha1.AuthUser{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.AuthUserSpec{
			Subject:  subject,
			Emails:   []v1alpha1.Email{{Address: name + "@example.com", Main: true}},
			Password: &v1alpha1.UserPassword{SecretRef: &v1alpha1.SecretKeyReference{Name: "alice-password", Key: "password"}},
			Scopes:   []string{"confd.users.*.read", "auth.users.me.#", "calls.my_session.edit", "!confd.users.root.read"},
		},
	}
	for _, mod := range mods {
		mod(u)
	}
	return u
}

// speaks lists the dialects of a tenant.
func speaks(dialects ...v1alpha1.Dialect) *v1alpha1.AuthTenant {
	return &v1alpha1.AuthTenant{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.TenantName}, Spec: v1alpha1.AuthTenantSpec{Dialects: dialects}}
}

func passwordSecret(name, value string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialInput}},
		Data:       map[string][]byte{"password": []byte(value)},
	}
}

// put makes an object known, as if the operator had just seen it.
func (h *tenant) put(object client.Object) {
	object.SetNamespace(h.namespace)
	h.directory.Put(object)
}

func (h *tenant) rows() *directory.Tenant {
	h.Helper()
	t, ok := h.directory.Tenant(h.namespace)
	if !ok {
		h.Fatal("there is no tenant")
	}
	return t
}

// await waits for what the API server is about to tell the directory.
func (h *tenant) await(check func(context.Context) error) {
	h.Helper()
	controlplane.Eventually(h, patience, check)
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request with the headers given as pairs.
func (h *tenant) do(method, path, body string, headers ...string) reply {
	h.Helper()
	request, err := http.NewRequestWithContext(h.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return h.send(request)
}

func (h *tenant) send(request *http.Request) reply {
	h.Helper()
	response, err := h.server.Client().Do(request)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// record answers a request without a connection.
func (h *tenant) record(request *http.Request) reply {
	recorder := httptest.NewRecorder()
	held(h, h.mux).ServeHTTP(recorder, request)
	return reply{recorder.Code, recorder.Header(), recorder.Body.String()}
}

// login posts to token as alice with the right password.
func (h *tenant) login(body string, headers ...string) reply {
	h.Helper()
	return h.do("POST", "/0.1/token", body, append(headers, "Authorization", basic("alice:"+password))...)
}

// issued is what the tests read of a token's data.
type issued struct {
	Token        string   `json:"token"`
	RefreshToken string   `json:"refresh_token"`
	SessionUUID  string   `json:"session_uuid"`
	UTCIssuedAt  string   `json:"utc_issued_at"`
	UTCExpiresAt string   `json:"utc_expires_at"`
	ACL          []string `json:"acl"`
}

// token wants a 200 with a token.
func (h *tenant) token(r reply) issued {
	h.Helper()
	if r.status != http.StatusOK {
		h.Fatalf("%d %s", r.status, r.body)
	}
	var answer struct{ Data issued }
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || answer.Data.Token == "" {
		h.Fatalf("%v in %s", err, r.body)
	}
	return answer.Data
}

// wantStatus wants a HEAD of the token to say this, as soon as the directory knows.
func (h *tenant) wantStatus(status int, token string) {
	h.Helper()
	h.await(func(context.Context) error {
		if got := h.do("HEAD", "/0.1/token/"+token, "").status; got != status {
			return errStatus(got)
		}
		return nil
	})
}

type errStatus int

func (e errStatus) Error() string { return http.StatusText(int(e)) }

// wantProblem wants an error of the token routes, byte for byte.
func wantProblem(t testing.TB, got reply, status int, reason string) {
	t.Helper()
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	encoder.Encode(tokenError{Reason: []string{reason}, Timestamp: []float64{1777890600.25}, StatusCode: status})
	wantError(t, got, status, body.String())
}

// wantFrameworkProblem wants an error of the framework, byte for byte.
func wantFrameworkProblem(t testing.TB, got reply, status int, message string) {
	t.Helper()
	wantError(t, got, status, `{"message":"`+message+`"}`+"\n")
}

func wantError(t testing.TB, got reply, status int, body string) {
	t.Helper()
	if got.status != status {
		t.Errorf("status %d, want %d", got.status, status)
	}
	if diff := cmp.Diff(body, got.body); diff != "" {
		t.Error(diff)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type is %q", kind)
	}
	if challenge, ok := got.header["Www-Authenticate"]; ok {
		t.Errorf("WWW-Authenticate is %q", challenge)
	}
}
