package wazo

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// silent is a ResponseWriter that costs nothing.
type silent struct {
	header http.Header
	status int
}

func (s *silent) Header() http.Header         { return s.header }
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }
func (s *silent) WriteHeader(status int)      { s.status = status }

// head is a request for a token with what a verifying service demands of it.
func (h *tenant) head(token string) (*http.Request, endpoint.Call) {
	request := httptest.NewRequest("HEAD", "/0.1/token/"+token+"?scope=confd.users.alice.read&tenant="+keystest.UID, nil)
	request.SetPathValue("token", token)
	return request, endpoint.Call{Tenant: h.namespace}
}

// The handler of the hot path allocates nothing of its own: what there is, is the service's. Nothing
// else may run meanwhile, so this tenant has no API server and its token is a JWT.
func TestHeadAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	h := memoryTenant(t)
	request, call := h.head(h.jwt(tokens.Wazo))
	w := &silent{header: http.Header{}}
	service := testing.AllocsPerRun(100, func() {
		if _, err := h.service.Check(request.Context(), call.Tenant, request.PathValue("token")); err != nil {
			t.Fatal(err)
		}
	})
	handler := testing.AllocsPerRun(100, func() { h.api.headToken(w, request, call) })
	if w.status != http.StatusNoContent {
		t.Fatalf("status %d", w.status)
	}
	if handler > service {
		t.Errorf("%v allocations, of which %v are the service's", handler, service)
	}
}

// BenchmarkHeadToken compares the hot path, through the whole server, with a handler that looks at
// the same input and knows nothing.
func BenchmarkHeadToken(b *testing.B) {
	h := newTenant(b)
	h.serve(logr.Discard())
	request, call := h.head(h.token(h.login(`{}`)).Token)
	h.known(1)
	bare := http.NewServeMux()
	bare.HandleFunc("HEAD /0.1/token/{token}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("token") == "" || r.URL.Query().Get("scope") == "" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	handlers := map[string]http.Handler{
		"bare":    bare,
		"handler": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.api.headToken(w, r, call) }),
		"mux":     h.mux,
	}
	for name, handler := range handlers {
		b.Run(name, func(b *testing.B) {
			w := &silent{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				handler.ServeHTTP(w, request)
			}
			if w.status != http.StatusNoContent {
				b.Fatalf("status %d", w.status)
			}
		})
	}
	b.Run("service", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := h.service.Check(b.Context(), call.Tenant, request.PathValue("token")); err != nil {
				b.Fatal(err)
			}
		}
	})
}
