package endpoint

import (
	"net/http"
	"slices"
	"strings"
)

// AnyOrigin in MuxOptions.AllowedOrigins allows every origin.
const AnyOrigin = "*"

// CrossOrigin is what the pages of allowed origins may do with a dialect, beyond what a browser lets every
// page do (the CORS protocol of the Fetch standard). It is not for routes that know a cookie, and so no answer
// ever allows credentials.
type CrossOrigin struct {
	// Send are the headers that a page may set on a request.
	Send []string
	// Read are the headers of an answer that a page may read.
	Read []string
}

// And is for a path that two dialects share.
func (c *CrossOrigin) And(other *CrossOrigin) *CrossOrigin {
	return &CrossOrigin{Send: union(c.Send, other.Send), Read: union(c.Read, other.Read)}
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// sharing is a CrossOrigin with the allowed origins, in the values of headers. These are made once: an answer
// to another origin costs no allocation and says nothing that its request made up.
type sharing struct {
	// any is what every origin is told; nil: named says what each.
	any   []string
	named map[string][]string
	send  []string
	read  []string
}

// newSharing returns nil where pages of other origins may do nothing.
func newSharing(allowed []string, with *CrossOrigin) *sharing {
	if with == nil || len(allowed) == 0 {
		return nil
	}
	s := &sharing{named: map[string][]string{}, send: list(with.Send), read: list(with.Read)}
	for _, origin := range allowed {
		s.named[origin] = []string{origin}
	}
	s.any = s.named[AnyOrigin]
	return s
}

// list is a header with a list in it, which is left out where that is empty.
func list(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{strings.Join(names, ", ")}
}

// headerVaryOrigin keeps caches from giving an answer to another origin.
var headerVaryOrigin = []string{"Origin"}

// share lets the page that has sent a request read the answer, if it may, and says whether it may. What is not
// from a page costs one look at the headers.
func (x *exchange) share(r *http.Request) bool {
	s := x.dialect.sharing
	if s == nil {
		return false
	}
	from := r.Header["Origin"]
	if len(from) != 1 {
		return false
	}
	header, allow := x.Header(), s.any
	if allow == nil {
		header["Vary"] = headerVaryOrigin
		allow = s.named[from[0]]
	}
	if allow == nil {
		return false
	}
	header["Access-Control-Allow-Origin"] = allow
	if !isPreflight(r) {
		header["Access-Control-Expose-Headers"] = s.read
	}
	return true
}

// isPreflight tells a browser's question, which it asks before the request of a page, from other OPTIONS.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Access-Control-Request-Method"]) > 0
}

// headerPreflightAge is how many seconds a browser need not ask again about the same URL.
var headerPreflightAge = []string{"3600"}

// answerPreflight tells a browser all that a page may do with the resource, whatever it asks for: it compares
// that itself, and nothing of the request is read.
func (s *resource) answerPreflight(x *exchange) {
	x.operation = s.preflight
	header := x.Header()
	header.Set("Access-Control-Allow-Methods", s.allow)
	header["Access-Control-Allow-Headers"] = s.dialect.sharing.send
	header["Access-Control-Max-Age"] = headerPreflightAge
	x.WriteHeader(http.StatusNoContent)
}
