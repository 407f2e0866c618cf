package endpoint

import (
	"io"
	"net/http"
	"net/netip"
	"path"
	"strings"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// MuxOptions is what all requests share.
type MuxOptions struct {
	// DefaultTenant is the namespace that the routes at the root are for. Empty: there are none.
	DefaultTenant string
	// TrustedProxies are the networks whose X-Forwarded-For and X-Request-Id count.
	TrustedProxies []netip.Prefix
	// AllowedOrigins are the web origins, as browsers send them, whose pages may call the dialects that are
	// open to other origins. AnyOrigin among them allows all, and none allows none.
	AllowedOrigins []string
	// BodyLimit is the largest request body in bytes; zero means DefaultBodyLimit.
	BodyLimit int64
	// Health answers /healthz and /readyz. Required.
	Health *Health
	// Metrics counts and times requests. Required.
	Metrics *Metrics
	// Log gets answers of 500 and above and panics always, other requests at verbosity 1.
	Log logr.Logger
	// Clock measures durations. Required.
	Clock clock.PassiveClock
	// Rand is read once, for what makes this process's request ids its own. Required.
	Rand io.Reader
}

// Mux routes requests to dialects: at the root for the default tenant and below /t/{namespace} for
// every tenant. It never redirects: a path that is not clean, or has a slash too many, is a 404,
// because tokens stand in paths and must not be sent around. It is safe for concurrent use.
type Mux struct {
	options   MuxOptions
	dialects  []*mountedDialect
	table     *http.ServeMux
	ids       *requestIDs
	unmatched *operation
}

// NewMux mounts the dialects, /healthz and /readyz. It fails for a pattern that cannot be mounted,
// and where a method of a path, or a path of two dialects, is claimed twice.
func NewMux(options MuxOptions, dialects ...Dialect) (*Mux, error) {
	ids, err := newRequestIDs(options.Rand)
	if err != nil {
		return nil, err
	}
	if options.BodyLimit == 0 {
		options.BodyLimit = DefaultBodyLimit
	}
	m := &Mux{
		options:   options,
		dialects:  mountedDialects(options.AllowedOrigins, dialects),
		table:     http.NewServeMux(),
		ids:       ids,
		unmatched: &operation{route: "unmatched", method: "other"},
	}
	if err := m.mount(); err != nil {
		return nil, err
	}
	return m, nil
}

// mount fills the route table.
func (m *Mux) mount() error {
	own, err := collect(mountedDialects(nil, []Dialect{{Routes: m.options.Health.routes()}}))
	if err != nil {
		return err
	}
	for _, resource := range own {
		m.table.Handle(resource.pattern, mount{resource: resource})
	}
	resources, err := collect(m.dialects)
	if err != nil {
		return err
	}
	for _, resource := range resources {
		m.table.Handle(tenantPattern+resource.pattern, mount{resource: resource})
		if m.options.DefaultTenant != "" {
			m.table.Handle(resource.pattern, mount{resource: resource, tenant: m.options.DefaultTenant})
		}
		if strings.HasPrefix(resource.pattern, wellKnown) {
			// The metadata of an issuer that has a path are found by putting the path behind (RFC 8414 §3.1).
			m.table.Handle(resource.pattern+tenantPattern, mount{resource: resource})
		}
	}
	m.table.Handle("/", http.HandlerFunc(m.serveUnmatched))
	return nil
}

// mountedDialect is a dialect that leaves nothing out.
type mountedDialect struct {
	Dialect
	// sharing is nil where the dialect is not open to other origins.
	sharing *sharing
}

// noDialect is that of paths which belong to none.
var noDialect = &mountedDialect{Dialect: Dialect{Refuse: refusePlain}}

func mountedDialects(origins []string, dialects []Dialect) []*mountedDialect {
	var mounted []*mountedDialect
	for _, dialect := range dialects {
		if dialect.Refuse == nil {
			dialect.Refuse = refusePlain
		}
		mounted = append(mounted, &mountedDialect{Dialect: dialect, sharing: newSharing(origins, dialect.CrossOrigin)})
	}
	return mounted
}

// ServeHTTP takes one request through everything that all requests share, and to its route.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := m.begin(w, r)
	defer x.finish(r)
	if !isClean(r.URL.EscapedPath()) {
		m.serveUnmatched(x, r)
		return
	}
	m.table.ServeHTTP(x, r)
}

// serveUnmatched answers a path that no route takes, in the shape of the dialect it lies below. The writer
// is an exchange always.
func (m *Mux) serveUnmatched(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	x.dialect = m.dialectAbove(r.URL.Path)
	x.share(r)
	x.dialect.Refuse(x, r, http.StatusNotFound)
}

func (m *Mux) dialectAbove(requested string) *mountedDialect {
	if below, ok := strings.CutPrefix(requested, tenantPrefix); ok {
		if slash := strings.IndexByte(below, '/'); slash >= 0 {
			requested = below[slash:]
		}
	}
	for _, dialect := range m.dialects {
		for _, prefix := range dialect.Prefixes {
			if strings.HasPrefix(requested, prefix) {
				return dialect
			}
		}
	}
	return noDialect
}

// isClean says whether http.ServeMux would route the escaped path as it stands. It answers others
// with a redirect to what it thinks was meant.
func isClean(escaped string) bool {
	if escaped == "" || escaped[0] != '/' {
		return false
	}
	if !strings.Contains(escaped, "//") && !strings.Contains(escaped, "/.") {
		return true
	}
	cleaned := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return cleaned == escaped
}
