package oauth_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// BenchmarkRefreshOverTLS measures what the server process pays for a refresh on a kept connection,
// and sets it against the least that any server could pay: a bare net/http handler that parses the
// form, signs once with P-256 and answers JSON. The clients are another process, and the two servers
// take turns, so that ratio is of one run and one machine.
func BenchmarkRefreshOverTLS(b *testing.B) {
	x := tenant.Memory(b)
	x.Put(team()...)
	s := &server{Tenant: x}
	s.mount(b, logr.Discard())
	signer, err := x.Ring.Signer(keys.ES256)
	if err != nil {
		b.Fatal(err)
	}
	payload := rawRequest(form("grant_type", "refresh_token", "refresh_token", s.refreshToken(b)), basic("billing", clientSecret))
	ours := startLoad(b, s, payload)
	bare := startLoad(b, bareHandler(signer), payload)

	const turn = 500
	var oursCPU, bareCPU time.Duration
	for left := b.N; left > 0; left -= turn {
		n := min(left, turn)
		bareCPU += bare.request(b, n)
		oursCPU += ours.request(b, n)
	}
	b.ReportMetric(float64(oursCPU.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(bareCPU.Nanoseconds())/float64(b.N), "bare-cpu-ns/op")
	b.ReportMetric(float64(oursCPU)/float64(bareCPU), "ratio")
}

// BenchmarkRefresh is the same without a connection: the mux, the form, the service, the answer.
func BenchmarkRefresh(b *testing.B) {
	x := tenant.Memory(b)
	x.Put(team()...)
	s := &server{Tenant: x}
	s.mount(b, logr.Discard())
	sent := form("grant_type", "refresh_token", "refresh_token", s.refreshToken(b))
	header := http.Header{"Content-Type": {formType}, "Authorization": {basic("billing", clientSecret)[1]}}
	target, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/token", nil)
	if err != nil {
		b.Fatal(err)
	}
	target.Header, target.ContentLength = header, int64(len(sent))
	text := strings.NewReader("")
	w := &discard{}
	b.ReportAllocs()
	for b.Loop() {
		text.Reset(sent)
		target.Body = io.NopCloser(text)
		w.header = http.Header{}
		s.ServeHTTP(w, target)
		if w.status != http.StatusOK {
			b.Fatalf("got %d", w.status)
		}
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// bareHandler does with the standard library what nobody can leave out.
func bareHandler(signer *keys.SigningKey) http.Handler {
	claims := []byte(strings.Repeat("c", 450))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "refresh_token" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		if _, _, ok := r.BasicAuth(); !ok {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		signature, err := signer.Sign(claims)
		if err != nil {
			http.Error(w, "error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(tokenAnswer{
			AccessToken: base64.RawURLEncoding.EncodeToString(claims) + "." + base64.RawURLEncoding.EncodeToString(signature),
			TokenType:   "Bearer", ExpiresIn: 3600, RefreshToken: r.PostForm.Get("refresh_token"), Scope: r.PostForm.Get("scope"),
		})
	})
}

// rawRequest is a whole HTTP/1.1 request.
func rawRequest(body string, headers []string) string {
	return "POST /token HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: " + formType + "\r\n" +
		headers[0] + ": " + headers[1] + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(body)) + body
}

// loadVariable tells the test binary that it is the clients.
const loadVariable = "GRANTKEEPER_TEST_LOAD"

// load is a server in this process and its clients in another one.
type load struct {
	orders  io.Writer
	answers *bufio.Reader
}

// order is what the clients are told first; after it come numbers of requests, one a line.
type order struct{ Address, Request string }

func startLoad(b *testing.B, handler http.Handler, request string) *load {
	b.Helper()
	base, _ := listen(b, handler)
	clients := exec.Command(os.Args[0])
	clients.Env = append(os.Environ(), loadVariable+"=1")
	clients.Stderr = os.Stderr
	orders, err := clients.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	answers, err := clients.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		orders.Close()
		if err := clients.Wait(); err != nil {
			b.Errorf("the clients: %v", err)
		}
	})
	l := &load{orders: orders, answers: bufio.NewReader(answers)}
	if err := json.NewEncoder(orders).Encode(order{strings.TrimPrefix(base, "https://"), request}); err != nil {
		b.Fatal(err)
	}
	l.request(b, 200) // connections, pools and caches
	return l
}

// request has the clients make n requests and returns the CPU time that this process took.
func (l *load) request(b *testing.B, n int) time.Duration {
	b.Helper()
	before := cpuTime(b)
	if _, err := fmt.Fprintln(l.orders, n); err != nil {
		b.Fatal(err)
	}
	if answer, err := l.answers.ReadString('\n'); err != nil || answer != "done\n" {
		b.Fatalf("the clients say %q: %v", answer, err)
	}
	return cpuTime(b) - before
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// clientsMain is the other process: it keeps a few connections and follows orders until they end.
func clientsMain(orders io.Reader, answers io.Writer) error {
	decoder := json.NewDecoder(orders)
	var first order
	if err := decoder.Decode(&first); err != nil {
		return err
	}
	var connections [4]*connection
	for i := range connections {
		// Whom it talks to is no question here: it was told the address.
		c, err := tls.Dial("tcp", first.Address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		connections[i] = &connection{c, bufio.NewReader(c)}
	}
	for {
		var n int
		if err := decoder.Decode(&n); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var all sync.WaitGroup
		errs := make([]error, len(connections))
		for i, c := range connections {
			share := (n + i) / len(connections)
			all.Go(func() { errs[i] = c.repeat(first.Request, share) })
		}
		all.Wait()
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(answers, "done"); err != nil {
			return err
		}
	}
}

type connection struct {
	net.Conn
	reader *bufio.Reader
}

func (c *connection) repeat(request string, n int) error {
	for range n {
		if _, err := io.WriteString(c, request); err != nil {
			return err
		}
		response, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the server answers %s", response.Status)
		}
	}
	return nil
}
