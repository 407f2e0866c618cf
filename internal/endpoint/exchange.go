package endpoint

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"
)

// exchange is one request on its way through the server. It is the ResponseWriter that handlers
// get, so that the status is known at the end and no context has to be copied on the way.
type exchange struct {
	http.ResponseWriter
	mux       *Mux
	call      Call
	operation *operation
	dialect   *mountedDialect
	started   time.Time
	// status is zero until the header is written.
	status int
	// requestID is what the header map points to, here so that it needs no allocation of its own.
	requestID [1]string
}

// The header values below are shared by all answers: a handler replaces a value with Header().Set,
// and never writes into a slice it finds there.
var (
	headerNoSniff    = []string{"nosniff"}
	headerNoReferrer = []string{"no-referrer"}
	headerNoStore    = []string{"no-store"}
	headerClose      = []string{"close"}
	// Answers are data. Whatever a browser is tricked into taking for a page loads and runs nothing,
	// and is shown in no frame. What goes with content only is left to protectContent.
	headerPolicy = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// begin measures, names and locates a request.
func (m *Mux) begin(w http.ResponseWriter, r *http.Request) *exchange {
	m.options.Metrics.inFlight.Inc()
	client, trusted := clientAddress(r, m.options.TrustedProxies)
	x := &exchange{
		ResponseWriter: w,
		mux:            m,
		operation:      m.unmatched,
		dialect:        noDialect,
		started:        m.options.Clock.Now(),
	}
	x.call.Client = client
	x.call.ID = m.ids.of(r, trusted)
	x.requestID[0] = x.call.ID

	x.setHeaders()
	return x
}

// setHeaders sets what every answer has. There is no Strict-Transport-Security: it would bind every
// port of the host name, which others share.
func (x *exchange) setHeaders() {
	header := x.Header()
	header["X-Request-Id"] = x.requestID[:]
	header["Cache-Control"] = headerNoStore
	if x.mux.options.Health.Draining() {
		// HTTP/1.1 closes the connection after the answer, HTTP/2 sends GOAWAY: clients move to
		// another replica without losing a request.
		header["Connection"] = headerClose
	}
}

// finish must be deferred itself, because it recovers from what the handler did.
func (x *exchange) finish(r *http.Request) {
	whole := true
	if cause := recover(); cause != nil {
		whole = x.answerPanic(r, cause)
	}
	if x.status == 0 {
		x.status = http.StatusOK // that of an answer without content
	}
	options := &x.mux.options
	elapsed := options.Clock.Since(x.started)
	options.Metrics.inFlight.Dec()
	options.Metrics.observe(x.operation, x.status, elapsed)
	x.log(r, elapsed)
	if !whole {
		// Part of an answer is out. Only a broken connection tells the client that it is not all.
		panic(http.ErrAbortHandler)
	}
}

// answerPanic says whether the client got a whole answer.
func (x *exchange) answerPanic(r *http.Request, cause any) bool {
	if cause == any(http.ErrAbortHandler) { // this very value, which net/http compares likewise
		return false
	}
	x.mux.options.Metrics.panics.Inc()
	x.mux.options.Log.Error(panicError(cause), "Handler panicked",
		"requestID", x.call.ID, "route", x.operation.route, "method", x.operation.method, "stack", string(debug.Stack()))
	if x.status != 0 {
		return false
	}
	clear(x.Header())
	x.setHeaders()
	x.share(r)
	x.dialect.Refuse(x, r, http.StatusInternalServerError)
	return true
}

// panicError keeps what the runtime says about a bug. Any other value may quote the request, so only
// its type is told; the stack holds addresses and no strings.
func panicError(cause any) error {
	if bug, ok := cause.(runtime.Error); ok {
		return bug
	}
	return fmt.Errorf("panic with a value of type %T", cause)
}

// log writes the access log. It knows the path by its template only: tokens stand in paths.
func (x *exchange) log(r *http.Request, elapsed time.Duration) {
	log := x.mux.options.Log
	if x.status < http.StatusInternalServerError {
		log = log.V(1)
	}
	if !log.Enabled() {
		return
	}
	log.Info("Request served",
		"requestID", x.call.ID, "client", x.call.Client.String(), "protocol", r.Proto,
		"route", x.operation.route, "method", x.operation.method,
		"status", x.status, "seconds", elapsed.Seconds())
}

// protectContent tells browsers how to take an answer's content, where the handler has not. An answer that
// can have none goes without: it is that of the busiest route, and headers are a good part of its work.
func (x *exchange) protectContent() {
	if x.status == http.StatusNoContent || x.status == http.StatusNotModified {
		return
	}
	header := x.Header()
	header["X-Content-Type-Options"] = headerNoSniff
	if _, set := header["Referrer-Policy"]; !set {
		header["Referrer-Policy"] = headerNoReferrer
	}
	if _, set := header["Content-Security-Policy"]; !set {
		header["Content-Security-Policy"] = headerPolicy
	}
}

// WriteHeader notes the status that the client gets.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= http.StatusOK {
		x.status = status
		x.protectContent()
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write notes the status that the client gets where nobody has set one.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
		x.protectContent()
	}
	return x.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter {
	return x.ResponseWriter
}

// limitBody says whether the handler may see the request. A length announced is a length that
// net/http holds the client to, so only bodies without one need counting.
func (x *exchange) limitBody(r *http.Request) bool {
	limit := x.mux.options.BodyLimit
	if r.ContentLength > limit {
		x.dialect.Refuse(x, r, http.StatusRequestEntityTooLarge)
		return false
	}
	if r.ContentLength < 0 {
		r.Body = http.MaxBytesReader(x.ResponseWriter, r.Body, limit)
	}
	return true
}
