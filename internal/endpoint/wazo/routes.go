package wazo

import (
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// Options are what the dialect is made of. All are required, but for Log.
type Options struct {
	Service *issuing.Service
	// Clock dates errors.
	Clock clock.PassiveClock
	// Location is the server's local time, in which issued_at and expires_at are told.
	Location *time.Location
	// Log gets the causes of 5xx answers and nothing of any request.
	Log logr.Logger
}

// API answers the token routes. Its handlers may run at once for many requests.
type API struct {
	options     Options
	create      endpoint.Handler
	checkScopes endpoint.Handler
}

// New makes the dialect. It starts nothing in the background.
func New(options Options) *API {
	a := &API{options: options}
	a.create = a.spoken(a.withBody(a.createToken))
	a.checkScopes = a.withBody(a.answerScopes)
	return a
}

// The paths below which wazo-auth is served: as it listens, and as its proxy shows it.
const (
	ownPrefix   = "/0.1/"
	proxyPrefix = "/api/auth/0.1/"
)

// Dialect is what a Mux mounts. POST /token at the root is not part of it, because that path is
// shared: see CreateToken.
func (a *API) Dialect() endpoint.Dialect {
	dialect := endpoint.Dialect{Prefixes: []string{ownPrefix, proxyPrefix}, Refuse: a.refuseAsServer}
	for _, prefix := range dialect.Prefixes {
		dialect.Routes = append(dialect.Routes,
			endpoint.Route{Method: http.MethodPost, Pattern: prefix + "token", Handle: a.CreateToken},
			endpoint.Route{Method: http.MethodGet, Pattern: prefix + "token/{token}", Handle: a.spoken(a.getToken)},
			endpoint.Route{Method: http.MethodHead, Pattern: prefix + "token/{token}", Handle: a.spoken(a.headToken)},
			endpoint.Route{Method: http.MethodDelete, Pattern: prefix + "token/{token}", Handle: a.spoken(a.deleteToken)},
			endpoint.Route{Method: http.MethodPost, Pattern: prefix + "token/{token}/scopes/check", Handle: a.spoken(a.checkScopes)},
		)
	}
	return dialect
}

// CreateToken answers POST token: a login or a refresh, either of which costs a write. It is an
// endpoint.Handler, to be joined with another for a path that two dialects share
// (endpoint.ByContentType).
func (a *API) CreateToken(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	a.create(w, r, call)
}

// spoken answers for the tenants that speak this dialect, and for the others as if there were none.
func (a *API) spoken(handle endpoint.Handler) endpoint.Handler {
	return func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		if err := a.options.Service.Speaks(call.Tenant, v1alpha1.DialectWazo); err != nil {
			a.refuse(w, r, call, err)
			return
		}
		handle(w, r, call)
	}
}

// bodyHandler answers a request whose body has been read. The error is the answer where there is
// one.
type bodyHandler func(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error

// withBody gives a handler its body, whatever the Content-Type calls it, unless that says form.
func (a *API) withBody(answer bodyHandler) endpoint.Handler {
	return endpoint.ByContentType("application/x-www-form-urlencoded", a.refuseForm,
		func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
			body, err := endpoint.ReadBody(r)
			if err != nil {
				a.refuse(w, r, call, unreadable(err))
				return
			}
			defer body.Release()
			if err := answer(w, r, call, body.B); err != nil {
				a.refuse(w, r, call, err)
			}
		})
}

func (a *API) refuseForm(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	a.refuse(w, r, call, errNotJSON)
}
