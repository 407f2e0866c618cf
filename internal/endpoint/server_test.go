package endpoint

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

var (
	_ manager.Runnable               = (*Server)(nil)
	_ manager.LeaderElectionRunnable = (*Server)(nil)
)

// short is a timeout that a test waits for.
const short = 50 * time.Millisecond

func TestServerRunsOnEveryReplica(t *testing.T) {
	t.Parallel()
	if (&Server{}).NeedLeaderElection() {
		t.Error("the server waits for leadership")
	}
}

func TestServerDefaults(t *testing.T) {
	t.Parallel()
	server := NewServer(nil, nil, &Certificate{}, nil, ServerOptions{})
	got := []any{
		server.http.ReadHeaderTimeout, server.http.ReadTimeout, server.http.WriteTimeout, server.http.IdleTimeout,
		server.http.MaxHeaderBytes, server.options.ShutdownTimeout, cap(server.listener.(*limitListener).slots),
		server.listener.(*limitListener).sources.limit, server.http.HTTP2.MaxConcurrentStreams,
	}
	want := []any{5 * time.Second, 15 * time.Second, 30 * time.Second, 90 * time.Second, 16 << 10, 15 * time.Second, 2048, 512, 32}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := run(t, &running{})
	tests := map[string]struct {
		client   *tls.Config
		version  uint16
		protocol string
		refusal  string // a part of what the client is told
	}{
		"TLS 1.3 with HTTP/2":                     {&tls.Config{NextProtos: []string{"h2", "http/1.1"}}, tls.VersionTLS13, "h2", ""},
		"TLS 1.3 with HTTP/1.1":                   {&tls.Config{NextProtos: []string{"http/1.1"}}, tls.VersionTLS13, "http/1.1", ""},
		"TLS 1.2 with a suite of today":           {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}, tls.VersionTLS12, "", ""},
		"TLS 1.2 with a suite that uses CBC":      {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, 0, "", "handshake failure"},
		"TLS 1.1":                                 {&tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}, 0, "", "protocol version"},
		"a protocol that the server cannot speak": {&tls.Config{NextProtos: []string{"acme-tls/1"}}, 0, "", "no application protocol"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := tc.client.Clone()
			config.RootCAs = server.roots
			conn, err := tls.Dial("tcp", server.address, config)
			if tc.refusal != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refusal) {
					t.Errorf("the client is told %v, want %q", err, tc.refusal)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if state := conn.ConnectionState(); state.Version != tc.version || state.NegotiatedProtocol != tc.protocol {
				t.Errorf("version %x, protocol %q", state.Version, state.NegotiatedProtocol)
			}
		})
	}
}

func TestHotReloadUnderOpenConnections(t *testing.T) {
	t.Parallel()
	server := run(t, &running{})
	first := server.get(t, "/healthz")
	server.trust(t, server.renew(t))

	again := server.get(t, "/healthz")
	if !again.TLS.PeerCertificates[0].Equal(first.TLS.PeerCertificates[0]) {
		t.Error("the open connection was not used again")
	}
	server.client = server.newClient(t)
	fresh := server.get(t, "/healthz")
	if fresh.TLS.PeerCertificates[0].Equal(first.TLS.PeerCertificates[0]) {
		t.Error("a new connection got the old certificate")
	}
}

func TestWithoutACertificate(t *testing.T) {
	t.Parallel()
	server := run(t, &running{noCert: true})
	if err := server.mux.Health.Ready(); !errors.Is(err, errNoCertificate) {
		t.Errorf("Ready = %v", err)
	}
	if conn, err := tls.Dial("tcp", server.address, &tls.Config{RootCAs: server.roots}); err == nil {
		conn.Close()
		t.Error("a handshake succeeded")
	}
	server.trust(t, server.renew(t))
	if got := server.get(t, "/readyz"); got.StatusCode != http.StatusOK {
		t.Errorf("with a certificate: %d %q", got.StatusCode, got.body)
	}
}

func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	server := run(t, &running{
		server:   ServerOptions{ReadHeaderTimeout: short, ReadTimeout: 2 * short, IdleTimeout: short},
		mux:      MuxOptions{DefaultTenant: "main"},
		dialects: []Dialect{{Routes: []Route{{http.MethodPost, "/echo", echo}}}},
	})
	tests := map[string]struct{ sent, answer string }{
		"one that sends nothing":              {"", ""},
		"one that does not end its header":    {"POST /echo HTTP/1.1\r\nHost: localhost\r\n", ""},
		"one that does not end its body":      {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 400"},
		"one that keeps an idle connection":   {"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200"},
		"one that stops in a chunk of a body": {"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "HTTP/1.1 400"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := server.dial(t)
			if _, err := io.WriteString(conn, tc.sent); err != nil {
				t.Fatal(err)
			}
			// The end of the stream is the server's doing: the client's own deadline is an error.
			answer, err := io.ReadAll(conn)
			if err != nil {
				t.Fatalf("the connection was not closed: %v", err)
			}
			if !strings.HasPrefix(string(answer), tc.answer) || tc.answer == "" && len(answer) > 0 {
				t.Errorf("answer %q, want %q", answer, tc.answer)
			}
		})
	}
	t.Run("one that does not shake hands", func(t *testing.T) {
		t.Parallel()
		conn, err := net.Dial("tcp", server.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("the connection was not closed: %v", err)
		}
	})
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	server := run(t, &running{})
	if got := server.get(t, "/healthz", "X-Large", strings.Repeat("x", 15<<10)); got.StatusCode != http.StatusOK {
		t.Errorf("15 KiB: %d", got.StatusCode)
	}
	if got := server.get(t, "/healthz", "X-Large", strings.Repeat("x", 32<<10)); got.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("32 KiB: %d", got.StatusCode)
	}
}

// blocking is a route that waits, so that a request can be in flight.
type blocking struct {
	entered chan struct{}
	release chan struct{}
}

func newBlocking() *blocking {
	return &blocking{entered: make(chan struct{}), release: make(chan struct{})}
}

func (b *blocking) dialect() Dialect {
	return Dialect{Routes: []Route{{http.MethodGet, "/wait", func(w http.ResponseWriter, _ *http.Request, _ Call) {
		close(b.entered)
		<-b.release
		writePlain(w, http.StatusOK, "done")
	}}}}
}

func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	waiting := newBlocking()
	fake := clocktesting.NewFakeClock(time.Now())
	server := run(t, &running{
		server:   ServerOptions{DrainDelay: time.Minute, Clock: fake},
		mux:      MuxOptions{DefaultTenant: "main"},
		dialects: []Dialect{waiting.dialect()},
	})
	idle := server.dial(t, "http/1.1")
	ask := func(path string) (status int, connection string) {
		t.Helper()
		fmt.Fprintf(idle, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		response, err := http.ReadResponse(bufio.NewReader(idle), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode, map[bool]string{true: "close"}[response.Close]
	}
	if status, connection := ask("/readyz"); status != http.StatusOK || connection != "" {
		t.Fatalf("before: %d, connection %q", status, connection)
	}
	answered := make(chan reply, 1)
	go func() { answered <- server.get(t, "/wait") }()
	<-waiting.entered

	server.stop()
	await(t, "the drain delay begins", fake.HasWaiters)
	if status, connection := ask("/readyz"); status != http.StatusServiceUnavailable || connection != "close" {
		t.Errorf("while draining: %d, connection %q", status, connection)
	}
	server.dial(t).Close() // Whoever has not heard yet is still served.

	fake.Step(time.Minute)
	await(t, "the listener closes", func() bool {
		conn, err := net.Dial("tcp", server.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(waiting.release)
	if got := <-answered; got.body != "done" {
		t.Errorf("the request in flight got %d %q", got.StatusCode, got.body)
	}
	if err := <-server.ended; err != nil {
		t.Errorf("Start = %v", err)
	}
}

func TestShutdownTellsHTTP2ToGo(t *testing.T) {
	t.Parallel()
	fake := clocktesting.NewFakeClock(time.Now())
	server := run(t, &running{server: ServerOptions{DrainDelay: time.Minute, Clock: fake}})
	var dials atomic.Int32
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: server.roots},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	server.client.Transport = transport

	server.get(t, "/healthz")
	if got := server.get(t, "/healthz"); got.ProtoMajor != 2 || dials.Load() != 1 {
		t.Fatalf("%s over %d connections", got.Proto, dials.Load())
	}
	server.stop()
	await(t, "the drain delay begins", fake.HasWaiters)
	await(t, "the client takes another connection", func() bool {
		server.get(t, "/healthz")
		return dials.Load() > 1
	})
	fake.Step(time.Minute)
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	waiting := newBlocking()
	server := run(t, &running{
		server:   ServerOptions{ShutdownTimeout: short},
		mux:      MuxOptions{DefaultTenant: "main"},
		dialects: []Dialect{waiting.dialect()},
	})
	conn := server.dial(t)
	io.WriteString(conn, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-waiting.entered
	server.stop()
	if err := <-server.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start = %v", err)
	}
	close(waiting.release)
}

func TestStartFailsWithTheListener(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	server := NewServer(listener, http.NotFoundHandler(), &Certificate{}, nil, ServerOptions{})
	if err := server.Start(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Start = %v", err)
	}
}

func TestComplaintsOfTheTransportAreDebugOutput(t *testing.T) {
	t.Parallel()
	server := run(t, &running{verbosity: 1})
	conn, err := net.Dial("tcp", server.address)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n")
	conn.Close()
	await(t, "the complaint is logged", func() bool {
		return strings.Contains(server.log.text(), `"level":1,"msg":"Connection failed"`)
	})
}

// echo answers with the body, or with what was wrong with it.
func echo(w http.ResponseWriter, r *http.Request, _ Call) {
	body, err := ReadBody(r)
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		writePlain(w, http.StatusRequestEntityTooLarge, "too large for the handler")
	case err != nil:
		writePlain(w, http.StatusBadRequest, "unreadable")
	default:
		writePlain(w, http.StatusOK, string(body.B))
		body.Release()
	}
}
