package endpoint

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Every tenant's routes are mounted below tenantPattern; tenantKey is the path value that holds the
// namespace.
const (
	tenantPrefix  = "/t/"
	tenantKey     = "namespace"
	tenantPattern = tenantPrefix + "{" + tenantKey + "}"
)

// wellKnown is below which metadata are (RFC 8615).
const wellKnown = "/.well-known/"

// resource is one path of one dialect with all its methods.
type resource struct {
	pattern    string
	operations []*operation
	// allow is the Allow header of a 405 (RFC 9110 section 10.2.1).
	allow string
	// refused is what requests with another method count as.
	refused *operation
	// preflight is what the questions of browsers count as.
	preflight *operation
	dialect   *mountedDialect
}

// operation is one method of a resource, and what is measured about it.
type operation struct {
	route   string
	method  string
	handle  Handler
	timings timings
}

func newResource(pattern string, dialect *mountedDialect) *resource {
	return &resource{
		pattern:   pattern,
		refused:   &operation{route: pattern, method: "other"},
		preflight: &operation{route: pattern, method: http.MethodOptions},
		dialect:   dialect,
	}
}

func (s *resource) add(method string, handle Handler) error {
	if s.operation(method) != nil {
		return fmt.Errorf("route %s %q is there twice", method, s.pattern)
	}
	s.operations = append(s.operations, &operation{route: s.pattern, method: method, handle: handle})
	if s.allow != "" {
		s.allow += ", "
	}
	s.allow += method
	return nil
}

// operation returns nil for a method that the resource does not have. There are a handful at most,
// and a scan beats a map.
func (s *resource) operation(method string) *operation {
	for _, candidate := range s.operations {
		if candidate.method == method {
			return candidate
		}
	}
	return nil
}

// collect groups the routes of all dialects by path.
func collect(dialects []*mountedDialect) ([]*resource, error) {
	owners := map[string]int{}
	var resources []*resource
	for i, dialect := range dialects {
		for _, route := range dialect.Routes {
			if err := checkPattern(route.Pattern); err != nil {
				return nil, err
			}
			if owner, taken := owners[route.Pattern]; taken && owner != i {
				return nil, fmt.Errorf("path %q belongs to two dialects", route.Pattern)
			}
			owners[route.Pattern] = i
			at := slices.IndexFunc(resources, func(s *resource) bool { return s.pattern == route.Pattern })
			if at < 0 {
				at = len(resources)
				resources = append(resources, newResource(route.Pattern, dialect))
			}
			if err := resources[at].add(route.Method, route.Handle); err != nil {
				return nil, err
			}
		}
	}
	return resources, nil
}

// checkPattern keeps out what http.ServeMux would answer with a redirect, and what would shadow the
// tenant.
func checkPattern(pattern string) error {
	switch {
	case !strings.HasPrefix(pattern, "/"), strings.HasPrefix(pattern, tenantPrefix):
		return fmt.Errorf("route pattern %q must be a path outside %s", pattern, tenantPrefix)
	case strings.HasSuffix(pattern, "/"), strings.Contains(pattern, "...}"):
		return fmt.Errorf("route pattern %q must name whole paths, without a slash or a ... at its end", pattern)
	case strings.Contains(pattern, "{"+tenantKey+"}"):
		return fmt.Errorf("route pattern %q must not use {%s}, which is the tenant's", pattern, tenantKey)
	}
	return nil
}

// mount is a resource at one place of the route table.
type mount struct {
	resource *resource
	// tenant is fixed at the root; empty: the path says.
	tenant string
}

// ServeHTTP is only ever called by a Mux, which passes its exchange as the writer.
func (m mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	x.dialect = m.resource.dialect
	x.call.Tenant = m.tenant
	if m.tenant == "" {
		x.call.Tenant = r.PathValue(tenantKey)
	}
	shared := x.share(r)
	operation := m.resource.operation(r.Method)
	if operation == nil {
		if shared && isPreflight(r) {
			m.resource.answerPreflight(x)
			return
		}
		x.operation = m.resource.refused
		x.Header().Set("Allow", m.resource.allow)
		x.dialect.Refuse(x, r, http.StatusMethodNotAllowed)
		return
	}
	x.operation = operation
	if x.limitBody(r) {
		operation.handle(x, r, x.call)
	}
}
