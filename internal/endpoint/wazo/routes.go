package wazo

import (
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// Options are what the dialect is made of. All are required, but for Log.
type Options struct {
	Service *issuing.Service
	// Accounts makes and changes users.
	Accounts *accounts.Service
	// Clock dates errors.
	Clock clock.PassiveClock
	// Location is the server's local time, in which issued_at and expires_at are told.
	Location *time.Location
	// Log gets the causes of 5xx answers and nothing of any request.
	Log logr.Logger
}

// API answers the routes of the dialect. Its handlers may run at once for many requests.
type API struct {
	options     Options
	create      endpoint.Handler
	checkScopes endpoint.Handler
}

// New makes the dialect. It starts nothing in the background.
func New(options Options) *API {
	a := &API{options: options}
	a.create = a.spoken(asToken, a.withBody(a.createToken))
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
	dialect := endpoint.Dialect{
		Prefixes: []string{ownPrefix, proxyPrefix},
		Refuse:   a.refuseAsServer,
		// What wazo-auth lets pages send, and what its clients read.
		CrossOrigin: &endpoint.CrossOrigin{
			Send: []string{"Authorization", "Content-Type", "Wazo-Session-Type", "Wazo-Tenant", "X-Auth-Token"},
			Read: []string{"Retry-After", "Wazo-Sessions-Revoked"},
		},
	}
	for _, prefix := range dialect.Prefixes {
		for _, route := range a.open() {
			dialect.Routes = append(dialect.Routes, endpoint.Route{Method: route.Method, Pattern: prefix + route.Pattern, Handle: route.Handle})
		}
		for _, route := range a.protected() {
			dialect.Routes = append(dialect.Routes, endpoint.Route{Method: route.method, Pattern: prefix + route.path, Handle: a.protect(route)})
		}
	}
	return dialect
}

// open are the routes that anybody may use; the patterns are below a prefix. A token in the path is all
// that the token routes ask for.
func (a *API) open() []endpoint.Route {
	return []endpoint.Route{
		{Method: http.MethodPost, Pattern: "token", Handle: a.CreateToken},
		{Method: http.MethodGet, Pattern: "token/{token}", Handle: a.spoken(asToken, a.getToken)},
		{Method: http.MethodHead, Pattern: "token/{token}", Handle: a.spoken(asToken, a.headToken)},
		{Method: http.MethodDelete, Pattern: "token/{token}", Handle: a.spoken(asToken, a.deleteToken)},
		{Method: http.MethodPost, Pattern: "token/{token}/scopes/check", Handle: a.spoken(asToken, a.checkScopes)},
		{Method: http.MethodHead, Pattern: "status", Handle: a.spoken(asAPI, a.headStatus)},
		{Method: http.MethodGet, Pattern: "backends", Handle: a.spoken(asAPI, a.getBackends)},
		{Method: http.MethodGet, Pattern: "api/api.yml", Handle: a.spoken(asAPI, a.getDocument)},
	}
}

// protected are the routes that need an access, and which one each needs.
func (a *API) protected() []protectedRoute {
	return []protectedRoute{
		{method: http.MethodGet, path: "tokens", access: "auth.tokens.read", answer: a.getRefreshTokens},
		{method: http.MethodGet, path: "users/{owner}/tokens", access: "auth.users.{owner}.tokens.read", answer: a.getRefreshTokensOf},
		{method: http.MethodDelete, path: "users/{owner}/tokens/{client_id}", access: "auth.users.{owner}.tokens.{client_id}.delete", answer: a.deleteRefreshToken},
		{method: http.MethodGet, path: "sessions", access: "auth.sessions.read", answer: a.getSessions},
		{method: http.MethodDelete, path: "sessions/{session_uuid}", access: "auth.sessions.{session_uuid}.delete", answer: a.deleteSession},
		{method: http.MethodGet, path: "users/{owner}/sessions", access: "auth.users.{owner}.sessions.read", answer: a.getSessionsOf},
		{method: http.MethodDelete, path: "users/{owner}/sessions/{session_uuid}", access: "auth.users.{owner}.sessions.{session_uuid}.delete", answer: a.deleteSessionOf},
		{method: http.MethodGet, path: "users", access: "auth.users.read", answer: a.getUsers},
		{method: http.MethodHead, path: "users", access: "auth.users.read", answer: a.headUsers},
		{method: http.MethodPost, path: "users", access: "auth.users.create", reads: true, answer: a.createUser},
		{method: http.MethodGet, path: "users/{user_uuid}", access: "auth.users.{user_uuid}.read", answer: a.getUser},
		{method: http.MethodHead, path: "users/{user_uuid}", access: "auth.users.{user_uuid}.read", answer: a.headUser},
		{method: http.MethodPut, path: "users/{user_uuid}", access: "auth.users.{user_uuid}.edit", reads: true, answer: a.replaceUser},
		{method: http.MethodDelete, path: "users/{user_uuid}", access: "auth.users.{user_uuid}.delete", answer: a.deleteUser},
		{method: http.MethodPut, path: "users/{user_uuid}/password", access: "auth.users.{user_uuid}.password.edit", reads: true, answer: a.changePassword},
		{method: http.MethodGet, path: "tenants", access: "auth.tenants.read", answer: a.getTenants},
		{method: http.MethodGet, path: "tenants/{tenant_uuid}", access: "auth.tenants.{tenant_uuid}.read", answer: a.getTenant},
	}
}

// CreateToken answers POST token: a login or a refresh, either of which costs a write. It is an
// endpoint.Handler, to be joined with another for a path that two dialects share
// (endpoint.ByContentType).
func (a *API) CreateToken(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	a.create(w, r, call)
}

// spoken answers for the tenants that speak this dialect, and for the others as if there were none.
func (a *API) spoken(as shape, handle endpoint.Handler) endpoint.Handler {
	return func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		if err := a.options.Service.Speaks(call.Tenant, v1alpha1.DialectWazo); err != nil {
			a.refuse(w, r, call, as, err)
			return
		}
		handle(w, r, call)
	}
}

// formType is what a body may not say that it is.
const formType = "application/x-www-form-urlencoded"

// bodyHandler answers a request whose body has been read. The error is the answer where there is
// one.
type bodyHandler func(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error

// withBody gives a handler of a token route its body, whatever the Content-Type calls it, unless that
// says form.
func (a *API) withBody(answer bodyHandler) endpoint.Handler {
	return endpoint.ByContentType(formType, a.refuseForm,
		func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
			body, err := endpoint.ReadBody(r)
			if err != nil {
				a.refuse(w, r, call, asToken, unreadable(err))
				return
			}
			defer body.Release()
			if err := answer(w, r, call, body.B); err != nil {
				a.refuse(w, r, call, asToken, err)
			}
		})
}

func (a *API) refuseForm(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	a.refuse(w, r, call, asToken, errNotJSON)
}
