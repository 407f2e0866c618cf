package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// canary stands for a secret in a request.
const canary = "c4n4ry-s3cr3t"

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodGet, "/ok", say("ok")},
		{http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request, Call) { panic(canary) }},
		{http.MethodGet, "/page", func(w http.ResponseWriter, _ *http.Request, _ Call) {
			w.Header().Add("Cache-Control", "private")
		}},
		{http.MethodGet, "/none", func(w http.ResponseWriter, _ *http.Request, _ Call) { w.WriteHeader(http.StatusNoContent) }},
		{http.MethodGet, "/own", func(w http.ResponseWriter, _ *http.Request, _ Call) {
			w.Header().Set("Content-Security-Policy", "form-action 'self'")
			w.WriteHeader(http.StatusOK)
		}},
	}}}})
	want := http.Header{
		"Cache-Control":           {"no-store"},
		"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
		"Referrer-Policy":         {"no-referrer"},
		"X-Content-Type-Options":  {"nosniff"},
	}
	if got := server.get(t, "/own").Header["Content-Security-Policy"]; len(got) != 1 || got[0] != "form-action 'self'" {
		t.Errorf("a page's own policy came as %q", got)
	}
	none := server.get(t, "/none").Header
	if none["Cache-Control"] == nil || none["X-Request-Id"] == nil || none["Content-Security-Policy"] != nil {
		t.Errorf("an answer without content has %v", none)
	}
	server.get(t, "/page") // What a handler adds does not stay with the values that answers share.
	for _, path := range []string{"/ok", "/panic", "/nothing", "/healthz"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got := server.get(t, path)
			for name, values := range want {
				if diff := cmp.Diff(values, got.Header[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	var none []string
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int) {
			writePlain(w, status, "shaped")
		},
		Routes: []Route{
			{http.MethodGet, "/value/{token}", func(w http.ResponseWriter, r *http.Request, _ Call) {
				w.Header().Set("Content-Length", "99")
				w.Header().Set("Set-Cookie", canary)
				panic("token " + r.PathValue("token"))
			}},
			{http.MethodGet, "/error/{token}", func(_ http.ResponseWriter, r *http.Request, _ Call) {
				panic(errors.New("token " + r.PathValue("token")))
			}},
			{http.MethodGet, "/bug/{token}", func(_ http.ResponseWriter, r *http.Request, _ Call) {
				_ = none[len(r.PathValue("token"))]
			}},
			{http.MethodGet, "/late/{token}", func(w http.ResponseWriter, _ *http.Request, _ Call) {
				io.WriteString(w, "half of")
				http.NewResponseController(w).Flush()
				panic("late")
			}},
			{http.MethodGet, "/abort/{token}", func(http.ResponseWriter, *http.Request, Call) {
				panic(http.ErrAbortHandler)
			}},
		},
	}}})
	for _, path := range []string{"/value/", "/error/", "/bug/"} {
		got := server.get(t, path+canary)
		if got.StatusCode != http.StatusInternalServerError || got.body != "shaped" || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %q %v", path, got.StatusCode, got.body, got.Header)
		}
	}
	for _, path := range []string{"/late/", "/abort/"} {
		response, err := server.client.Get(server.base + path + canary)
		if err == nil {
			_, err = io.ReadAll(response.Body)
			response.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the answer looks whole", path)
		}
	}
	log := server.log.text()
	for _, logged := range []string{
		`"error":"panic with a value of type string"`, `"error":"panic with a value of type *errors.errorString"`,
		`index out of range [13] with length 0`, `"route":"/value/{token}"`, "exchange_test.go",
	} {
		if !strings.Contains(log, logged) {
			t.Errorf("the log lacks %q", logged)
		}
	}
	if strings.Contains(log, canary) {
		t.Errorf("the log tells what was requested:\n%s", log)
	}
	if got := strings.Count(log, `"msg":"Handler panicked"`); got != 4 {
		t.Errorf("%d panics were logged, want 4: an abort is no bug", got)
	}
	if got := value(t, server, "grantkeeper_http_panics_total"); got != 4 {
		t.Errorf("%v panics were counted, want 4", got)
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	server := run(t, &running{verbosity: 1, mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodGet, "/0.1/token/{token}", say("ok")},
	}}}})
	path := "/0.1/token/" + canary + "?scope=" + canary
	got := server.get(t, path, "Authorization", "Bearer "+canary, "User-Agent", canary, "X-Forwarded-For", canary, "X-Request-Id", canary)
	server.get(t, "/t/"+canary+path)
	server.do(t, canary, path, nil)
	server.get(t, "/"+canary)
	server.get(t, "//"+canary)

	await(t, "all requests are logged", func() bool { return strings.Count(server.log.text(), "Request served") == 5 })
	log := server.log.text()
	if strings.Contains(log, canary) {
		t.Errorf("the log tells what was requested:\n%s", log)
	}
	for _, part := range []string{
		`"requestID":"` + got.Header.Get("X-Request-Id") + `"`, `"client":"127.0.0.1"`, `"protocol":"HTTP/1.1"`,
		`"route":"/0.1/token/{token}","method":"GET","status":200,"seconds":`,
		`"route":"/0.1/token/{token}","method":"other","status":405`,
		`"route":"unmatched","method":"other","status":404`,
	} {
		if !strings.Contains(log, part) {
			t.Errorf("the log lacks %s:\n%s", part, log)
		}
	}
}

func TestAccessLogAtOrdinaryVerbosity(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodGet, "/fine", say("ok")},
		{http.MethodGet, "/down", func(w http.ResponseWriter, _ *http.Request, _ Call) { w.WriteHeader(http.StatusServiceUnavailable) }},
	}}}})
	server.get(t, "/fine")
	server.get(t, "/down")
	await(t, "the failure is logged", func() bool { return strings.Contains(server.log.text(), `"route":"/down","method":"GET","status":503`) })
	if strings.Contains(server.log.text(), "/fine") {
		t.Error("a request that went well is logged")
	}
}

func TestStatusIsTheOneSent(t *testing.T) {
	t.Parallel()
	server := run(t, &running{verbosity: 1, mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodGet, "/nothing", func(http.ResponseWriter, *http.Request, Call) {}},
		{http.MethodGet, "/body", func(w http.ResponseWriter, _ *http.Request, _ Call) { io.WriteString(w, "x"); w.WriteHeader(500) }},
		{http.MethodGet, "/early", func(w http.ResponseWriter, _ *http.Request, _ Call) { w.WriteHeader(103); w.WriteHeader(204) }},
	}}}})
	for path, status := range map[string]int{"/nothing": 200, "/body": 200, "/early": 204} {
		if got := server.get(t, path); got.StatusCode != status {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
		entry := fmt.Sprintf(`"route":%q,"method":"GET","status":%d`, path, status)
		await(t, entry, func() bool { return strings.Contains(server.log.text(), entry) })
	}
}

func TestHandlersReachTheConnection(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodGet, "/x", func(w http.ResponseWriter, _ *http.Request, _ Call) {
			failed <- http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
		}},
	}}}})
	server.get(t, "/x")
	if err := <-failed; err != nil {
		t.Error(err)
	}
}
