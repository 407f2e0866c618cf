package endpoint

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
)

var errDraining = errors.New("shutting down")

// Check is one thing that has to be so before this replica may get requests.
type Check struct {
	// Name is told to whoever asks /readyz, who need not be authenticated.
	Name string
	// Ready returns why not. It is called on every probe, from several goroutines, and must not
	// wait; what it says goes to the log only.
	Ready func() error
}

// Health answers the probes: alive as long as it can answer, ready while every check is and the
// server is not shutting down.
type Health struct {
	checks   []Check
	log      logr.Logger
	draining atomic.Bool
	// reported is the last state that was logged.
	reported atomic.Pointer[string]
}

// NewHealth makes a Health of these checks. Changes of readiness go to log.
func NewHealth(log logr.Logger, checks ...Check) *Health {
	return &Health{checks: checks, log: log}
}

// Drain makes readiness fail from now on, so that load balancers turn away before the listener
// closes. There is no way back.
func (h *Health) Drain() {
	h.draining.Store(true)
}

// Draining says whether Drain was called.
func (h *Health) Draining() bool {
	return h.draining.Load()
}

// Ready runs the checks and returns what those that fail say, each under its name.
func (h *Health) Ready() error {
	_, err := h.failing()
	return err
}

func (h *Health) failing() (names []string, err error) {
	if h.Draining() {
		return []string{"draining"}, errDraining
	}
	var failures []error
	for _, check := range h.checks {
		if err := check.Ready(); err != nil {
			names = append(names, check.Name)
			failures = append(failures, fmt.Errorf("%s: %w", check.Name, err))
		}
	}
	return names, errors.Join(failures...)
}

// routes are the probes' paths. They are the server's, and no tenant's.
func (h *Health) routes() []Route {
	return []Route{
		{Method: http.MethodGet, Pattern: "/healthz", Handle: h.serveAlive},
		{Method: http.MethodHead, Pattern: "/healthz", Handle: h.serveAlive},
		{Method: http.MethodGet, Pattern: "/readyz", Handle: h.serveReady},
		{Method: http.MethodHead, Pattern: "/readyz", Handle: h.serveReady},
	}
}

func (h *Health) serveAlive(w http.ResponseWriter, _ *http.Request, _ Call) {
	writePlain(w, http.StatusOK, "ok\n")
}

func (h *Health) serveReady(w http.ResponseWriter, _ *http.Request, _ Call) {
	names, err := h.failing()
	h.report(err)
	if err != nil {
		writePlain(w, http.StatusServiceUnavailable, "not ready: "+strings.Join(names, ", ")+"\n")
		return
	}
	writePlain(w, http.StatusOK, "ok\n")
}

// report logs changes only: probes come every few seconds, from anybody.
func (h *Health) report(err error) {
	state := ""
	if err != nil {
		state = err.Error()
	}
	last := h.reported.Swap(&state)
	switch {
	case last != nil && *last == state:
	case err != nil:
		h.log.Info("Not ready", "reason", state)
	default:
		h.log.Info("Ready")
	}
}

func writePlain(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// A client that is gone is no matter of ours.
	_, _ = io.WriteString(w, body)
}
