package endpoint

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadiness(t *testing.T) {
	t.Parallel()
	var down atomic.Pointer[error]
	state := func(err error) { down.Store(&err) }
	state(errors.New("still reading " + canary))
	ready := func() error { return *down.Load() }
	log := &logged{}
	health := NewHealth(log.logger(0), Check{"always", func() error { return nil }}, Check{"tenants", ready}, Check{"keys", ready})
	server := run(t, &running{mux: MuxOptions{Health: health}})

	expect := func(path string, status int, body string) {
		t.Helper()
		if got := server.get(t, path); got.StatusCode != status || got.body != body {
			t.Errorf("%s: %d %q, want %d %q", path, got.StatusCode, got.body, status, body)
		}
		if got := server.do(t, http.MethodHead, path, nil); got.StatusCode != status || got.body != "" {
			t.Errorf("HEAD %s: %d %q, want %d", path, got.StatusCode, got.body, status)
		}
	}
	expect("/readyz", 503, "not ready: tenants, keys\n")
	expect("/healthz", 200, "ok\n")
	if got := health.Ready(); got == nil || got.Error() != "tenants: still reading "+canary+"\nkeys: still reading "+canary {
		t.Errorf("Ready = %v", got)
	}
	state(nil)
	expect("/readyz", 200, "ok\n")
	health.Drain()
	expect("/readyz", 503, "not ready: draining\n")
	expect("/healthz", 200, "ok\n")

	var messages []string
	for line := range strings.SplitSeq(log.text(), "\n") {
		if before, after, ok := strings.Cut(line, `"msg":`); ok && before != "" {
			messages = append(messages, after)
		}
	}
	want := []string{
		`"Not ready","reason":"tenants: still reading ` + canary + `\nkeys: still reading ` + canary + `"}`,
		`"Ready"}`,
		`"Not ready","reason":"shutting down"}`,
	}
	if diff := cmp.Diff(want, messages); diff != "" {
		t.Errorf("each change is logged once (-want +got):\n%s", diff)
	}
}
