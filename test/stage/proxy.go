package stage

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Rule is what a proxy does with a request: it may answer itself, wait, or leave the request to the
// API server by calling next.
type Rule func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Proxy stands between an operator and the API server and reads what they say. Requests keep the
// credentials that they come with.
type Proxy struct {
	server *httptest.Server
	rule   atomic.Pointer[Rule]

	mu   sync.Mutex
	seen map[string]int
}

// NewProxy listens on loopback until the test ends.
func NewProxy(t testing.TB, apiServer *rest.Config) *Proxy {
	t.Helper()
	target, err := url.Parse(apiServer.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(apiServer))
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p := &Proxy{seen: map[string]int{}}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.count(r)
		if rule := p.rule.Load(); rule != nil {
			(*rule)(w, r, forward)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	p.server.EnableHTTP2 = true
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.server.StartTLS()
	t.Cleanup(func() {
		p.server.CloseClientConnections() // watches do not end by themselves
		p.server.Close()
	})
	return p
}

// URL is what to connect to.
func (p *Proxy) URL() string { return p.server.URL }

// CA is the PEM certificate that clients of the proxy must trust.
func (p *Proxy) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

// Use applies a rule to every request that begins from now on; nil forwards them all.
func (p *Proxy) Use(rule Rule) {
	if rule == nil {
		p.rule.Store(nil)
		return
	}
	p.rule.Store(&rule)
}

// Requests are how many requests began so far, by verb and resource: "PUT secrets", "PATCH
// refreshtokengrants/status", "WATCH authusers".
func (p *Proxy) Requests() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.seen)
}

func (p *Proxy) count(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[Verb(r)+" "+Resource(r)]++
}

// Verb is the method of a request, or WATCH.
func Verb(r *http.Request) string {
	if IsWatch(r) {
		return "WATCH"
	}
	return r.Method
}

// IsWatch tells a watch from every other request.
func IsWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// Resource is what a request to the API server is about, with its subresource: "secrets",
// "refreshtokengrants/status". What is about no resource is its path.
func Resource(r *http.Request) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return r.URL.Path
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + parts[2]
	}
	return parts[0]
}

// Refuse answers as an API server does that refuses a request.
func Refuse(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(&metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason,
		Message: fmt.Sprintf("a test's proxy answers %d", code),
	})
}

// Wait is false where the request ends before the time is over.
func Wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
