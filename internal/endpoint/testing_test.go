package endpoint

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/certificates"
)

// patience bounds every wait of these tests. It is reached by failing tests only.
const patience = 20 * time.Second

// logged collects what a test's server logs.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) logger(verbosity int) logr.Logger {
	return funcr.NewJSON(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, line)
	}, funcr.Options{Verbosity: verbosity})
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// running is a server that listens on a loopback port. Whatever is left zero is made by run.
type running struct {
	mux         MuxOptions
	server      ServerOptions
	dialects    []Dialect
	certificate *Certificate
	noCert      bool
	verbosity   int

	log      *logged
	registry *prometheus.Registry
	roots    *x509.CertPool
	base     string
	address  string
	stop     context.CancelFunc
	ended    chan error
	client   *http.Client
}

// run starts the server and stops it when the test ends.
func run(t testing.TB, s *running) *running {
	t.Helper()
	s.log, s.registry = &logged{}, prometheus.NewRegistry()
	metrics, err := NewMetrics(s.registry)
	if err != nil {
		t.Fatal(err)
	}
	log := s.log.logger(s.verbosity)
	s.roots = x509.NewCertPool()
	if s.certificate == nil {
		s.certificate = &Certificate{}
	}
	if !s.noCert {
		s.trust(t, s.renew(t))
	}
	if s.mux.Health == nil {
		s.mux.Health = NewHealth(log, Check{Name: "certificate", Ready: s.certificate.Ready})
	}
	s.mux.Metrics, s.mux.Log, s.mux.Rand = metrics, log, rand.Reader
	s.server.Log = log
	if s.mux.Clock == nil {
		s.mux.Clock = clock.RealClock{}
	}
	if s.server.Clock == nil {
		s.server.Clock = clock.RealClock{}
	}
	handler, err := NewMux(s.mux, s.dialects...)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	s.base = "https://" + s.address
	s.client = s.newClient(t)
	s.start(t, NewServer(listener, handler, s.certificate, s.mux.Health, s.server))
	return s
}

func (s *running) start(t testing.TB, server *Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.ended = cancel, make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ended <- server.Start(ctx)
	}()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		cancel()
		<-done
	})
}

// newClient trusts what run and trust were given, and keeps its connections.
func (s *running) newClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// renew makes a new authority and certificate and hands them to the server as its Secret would.
func (s *running) renew(t testing.TB) map[string][]byte {
	t.Helper()
	data := secretData(t)
	if _, err := s.certificate.load(&corev1.Secret{Data: data}); err != nil {
		t.Fatal(err)
	}
	return data
}

func (s *running) trust(t testing.TB, data map[string][]byte) {
	t.Helper()
	if !s.roots.AppendCertsFromPEM(data[certificates.DataTrusted]) {
		t.Fatal("no authority to trust")
	}
}

func secretData(t testing.TB) map[string][]byte {
	t.Helper()
	want := certificates.Wanted{DNSNames: []string{"localhost"}, Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Hold: time.Hour}
	bundle, _, err := certificates.Settle(rand.Reader, nil, want, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	data, err := certificates.Encode(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// reply is an answer that was read to its end.
type reply struct {
	*http.Response
	body string
}

// do sends a request with the headers given as pairs.
func (s *running) do(t testing.TB, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.base+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return read(t, response)
}

func (s *running) get(t testing.TB, path string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodGet, path, nil, headers...)
}

func read(t testing.TB, response *http.Response) reply {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return reply{response, string(body)}
}

// dial opens a connection that speaks nothing yet, and bounds all that is done with it.
func (s *running) dial(t testing.TB, protocols ...string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", s.address, &tls.Config{RootCAs: s.roots, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// await polls for what another goroutine is about to do.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// say answers with a fixed text, the tenant and what the path holds.
func say(text string) Handler {
	return func(w http.ResponseWriter, r *http.Request, call Call) {
		writePlain(w, http.StatusOK, text+" "+call.Tenant+" "+r.PathValue("token"))
	}
}
