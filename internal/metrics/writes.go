package metrics

import (
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// written are the resources that the operator writes. A resource that is not among them is counted
// as other: a label takes no value from a path that nobody foresaw.
var written = []string{
	"authusers", "authusers/status", "authclients", "authclients/status", "authtenants", "authtenants/status",
	"refreshtokengrants", "refreshtokengrants/status", "authsessions", "tokenrevocations",
	"secrets", "events", "leases", "deployments", "statefulsets", "daemonsets",
}

var verbs = map[string]string{
	http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete",
}

// Writes counts the writes that a client of the API server asks for.
type Writes struct {
	counters *prometheus.CounterVec
}

// NewWrites makes and registers the counters.
func NewWrites(registry prometheus.Registerer) (*Writes, error) {
	w := &Writes{counters: APIWrites.CounterVec()}
	return w, register(registry, w.counters)
}

// Wrap counts what goes through a transport: rest.Config.Wrap takes it.
func (w *Writes) Wrap(inner http.RoundTripper) http.RoundTripper {
	return countingTransport{inner, w.counters}
}

type countingTransport struct {
	inner    http.RoundTripper
	counters *prometheus.CounterVec
}

// RoundTrip implements http.RoundTripper.
func (t countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if verb, writes := verbs[request.Method]; writes {
		if resource, stored := resourceOf(request.URL.Path); stored {
			t.counters.WithLabelValues(resource, verb).Inc()
		}
	}
	return t.inner.RoundTrip(request)
}

// resourceOf reads /api/v1/… and /apis/<group>/<version>/…, below which come
// namespaces/<namespace>, the resource, a name and a subresource, the first and the last two of which
// may be missing. A question that is asked by a POST (who is this, may they) stores nothing.
func resourceOf(path string) (resource string, stored bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	at := slices.IndexFunc(parts, func(part string) bool { return part == "api" || part == "apis" })
	if at < 0 {
		return "other", true // an API server behind a prefix that is none
	}
	group, skip := "", 2
	if parts[at] == "apis" {
		group, skip = parts[min(at+1, len(parts)-1)], 3
	}
	if group == "authentication.k8s.io" || group == "authorization.k8s.io" {
		return "", false
	}
	rest := parts[min(at+skip, len(parts)):]
	if len(rest) > 2 && rest[0] == "namespaces" {
		rest = rest[2:]
	}
	if len(rest) > 0 {
		resource = rest[0]
	}
	if len(rest) > 2 {
		resource += "/" + rest[2]
	}
	if !slices.Contains(written, resource) {
		resource = "other"
	}
	return resource, true
}
