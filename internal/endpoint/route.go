package endpoint

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/audit"
)

// Call is what the server has established about a request before a dialect sees it.
type Call struct {
	// Tenant is the namespace that the request is for: the one in the path, or the default tenant.
	// It is what the caller wrote; whether such a tenant exists is for the dialect to look up.
	Tenant string
	// Client is the address the request came from, behind trusted proxies the one they saw. It is
	// the zero Addr where the transport has none, which happens in tests only.
	Client netip.Addr
	// ID names the request in the access log and in the X-Request-Id of the answer.
	ID string
}

// Context is the request's, with where the request came from and what it is called for the audit log.
func (c Call) Context(r *http.Request) context.Context {
	return audit.WithOrigin(r.Context(), audit.Origin{Source: c.Client, RequestID: c.ID})
}

// Handler answers one route for whatever tenant the call names. It runs concurrently with itself.
type Handler func(w http.ResponseWriter, r *http.Request, call Call)

// Route is one method of one path, written once and mounted for every tenant.
type Route struct {
	// Method is matched exactly. GET does not include HEAD: where a dialect answers HEAD, it says so
	// with a route of its own.
	Method string
	// Pattern is a path as http.ServeMux writes it, such as "/token/{token}". It has no trailing
	// slash and no "..." wildcard, so that nothing is ever answered with a redirect.
	Pattern string
	// Handle answers the route.
	Handle Handler
}

// Refusal writes an error of the server itself in the shape of one dialect: 404 for an unrouted
// path, 405 (Allow is already set) for a method the path does not have, 413 for a body that
// announces more than the limit, 500 after a panic. It does not log.
type Refusal func(w http.ResponseWriter, r *http.Request, status int)

// Failure answers a request with an error of what it asked for, in the shape of one dialect, and logs
// what has to be.
type Failure func(w http.ResponseWriter, r *http.Request, call Call, err error)

// Dialect is a set of routes that speak alike.
type Dialect struct {
	// Routes are mounted at the root for the default tenant and below /t/{namespace} for all.
	Routes []Route
	// Prefixes are paths such as "/0.1/" below which everything unrouted is answered by Refuse.
	// Elsewhere an unrouted path gets a plain 404.
	Prefixes []string
	// Refuse shapes the server's own errors. Without it they are plain text.
	Refuse Refusal
	// CrossOrigin opens all of this to the pages of MuxOptions.AllowedOrigins, errors included. Without
	// it browsers show an answer to pages of this origin alone.
	CrossOrigin *CrossOrigin
}

// ByContentType joins two handlers that share a path and a method: requests whose Content-Type is
// mediaType (parameters and case aside) go to match, all others to otherwise. mediaType is written
// in lower case.
func ByContentType(mediaType string, match, otherwise Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request, call Call) {
		if HasMediaType(r.Header, mediaType) {
			match(w, r, call)
			return
		}
		otherwise(w, r, call)
	}
}

// HasMediaType tells whether a Content-Type is mediaType, which is written in lower case, whatever its
// parameters and its case. It compares without mime.ParseMediaType, which allocates a map for each request.
func HasMediaType(h http.Header, mediaType string) bool {
	value, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(value), mediaType)
}

// refusePlain is the Refusal of paths that belong to no dialect.
func refusePlain(w http.ResponseWriter, _ *http.Request, status int) {
	http.Error(w, http.StatusText(status), status)
}

// SetRetryAfter tells a client how long to wait (RFC 9110 §10.2.3), in whole seconds rounded up;
// nothing where that is zero.
func SetRetryAfter(header http.Header, wait time.Duration) {
	if wait > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}
