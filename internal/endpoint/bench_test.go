package endpoint

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// benchForm and benchAnswer have the size of a refresh and its answer.
var (
	benchForm   = "grant_type=refresh_token&refresh_token=" + strings.Repeat("x", 140)
	benchAnswer = []byte(`{"access_token":"` + strings.Repeat("x", 900) + `","token_type":"Bearer","expires_in":3600}`)
)

// bareHandler is what any HTTP server has to do for such a request.
func bareHandler(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(benchAnswer)
}

func benchMux(b *testing.B) *Mux {
	b.Helper()
	options := muxOptions(b)
	options.DefaultTenant = "main"
	mux, err := NewMux(options, Dialect{Routes: []Route{{http.MethodPost, "/token", func(w http.ResponseWriter, r *http.Request, _ Call) {
		body, err := ReadBody(r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body.Release()
		w.Header().Set("Content-Type", "application/json")
		w.Write(benchAnswer)
	}}}})
	if err != nil {
		b.Fatal(err)
	}
	return mux
}

// BenchmarkOverTLS compares whole requests on one kept connection. Both numbers include the client.
func BenchmarkOverTLS(b *testing.B) {
	for name, handler := range map[string]http.Handler{"bare": http.HandlerFunc(bareHandler), "mux": benchMux(b)} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(handler)
			certificate := &Certificate{}
			if _, err := certificate.load(&corev1.Secret{Data: secretData(b)}); err != nil {
				b.Fatal(err)
			}
			server.TLS = tlsConfig(certificate)
			server.TLS.NextProtos = []string{"http/1.1"}
			server.StartTLS()
			defer server.Close()
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			b.ReportAllocs()
			for b.Loop() {
				response, err := client.Post(server.URL+"/token", "application/x-www-form-urlencoded", strings.NewReader(benchForm))
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
	}
}

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkMiddleware shows what the server adds to a handler, and nothing else.
func BenchmarkMiddleware(b *testing.B) {
	handlers := map[string]http.Handler{"bare": http.HandlerFunc(bareHandler), "mux": benchMux(b)}
	for name, handler := range handlers {
		b.Run(name, func(b *testing.B) {
			body := strings.NewReader(benchForm)
			request := httptest.NewRequest(http.MethodPost, "/token", io.NopCloser(body))
			request.ContentLength = int64(len(benchForm))
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(benchForm)
				clear(w.header)
				handler.ServeHTTP(w, request)
			}
		})
	}
}
