package wazo

import (
	"errors"
	"net/http"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// problem is an error as the client gets it. It says nothing that the client has not sent.
type problem struct {
	status int
	text   string
	// framework is the shape of what no route has looked at, a message; otherwise it is that of the
	// token routes: reason, timestamp and status_code.
	framework bool
	// retryAfter becomes the header of that name; zero: none.
	retryAfter time.Duration
}

func (p *problem) Error() string { return p.text }

// The errors that say the same each time. Clients compare the texts of the first two.
var (
	errAuthentication = &problem{status: http.StatusUnauthorized, text: "Authentication Failed"}
	errNoSuchToken    = &problem{status: http.StatusNotFound, text: "No such token"}
	errNoSuchTenant   = &problem{status: http.StatusNotFound, text: "No such tenant"}
	errUnavailable    = &problem{status: http.StatusServiceUnavailable, text: "The service cannot answer now"}
	errNotJSON        = &problem{status: http.StatusBadRequest, text: "The body must be JSON, and the Content-Type must not say that it is a form", framework: true}
	errNoRoute        = serverProblem(http.StatusNotFound)
)

// errUnauthorizedFor is the error of a token that lacks an access. Clients compare the text.
func errUnauthorizedFor(access string) *problem {
	return &problem{status: http.StatusForbidden, text: "Unauthorized for " + access}
}

// errForeignTenant is the error of a token that belongs to another tenant than the one asked for.
func errForeignTenant(tenant string) *problem {
	return &problem{status: http.StatusForbidden, text: "Unauthorized for tenant " + tenant}
}

// invalid is the error of JSON that says something wrong.
func invalid(text string) *problem { return &problem{status: http.StatusBadRequest, text: text} }

// serverProblem is an error of the server itself.
func serverProblem(status int) *problem {
	return &problem{status: status, text: http.StatusText(status), framework: true}
}

func unreadable(err error) *problem {
	if errors.Is(err, endpoint.ErrBodyTooLarge) {
		return serverProblem(http.StatusRequestEntityTooLarge)
	}
	return errNotJSON
}

// problemOf translates a refusal of the service. A reason that no route here can be given is an
// outage like any other: it is never taken for a yes.
func problemOf(refusal *issuing.Refusal) *problem {
	switch refusal.Reason {
	case issuing.InvalidGrant, issuing.InvalidClient:
		return errAuthentication
	case issuing.UnknownToken:
		return errNoSuchToken
	case issuing.UnknownTenant:
		return errNoRoute
	case issuing.LockedOut, issuing.TooManySessions, issuing.TooManyTenantSessions, issuing.TooManyGrants:
		return &problem{status: http.StatusTooManyRequests, text: refusal.Description, retryAfter: refusal.RetryAfter}
	}
	return errUnavailable
}

// refuse writes the answer to a request that fails. What kept the server from answering is logged,
// unless it is that the client went away; that there are too many of them is no line at most levels, nor
// is what was logged before.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, call endpoint.Call, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = problemOf(issuing.AsRefusal(err))
	}
	switch {
	case p.status < http.StatusInternalServerError || r.Context().Err() != nil:
	case issuing.IsOverload(err):
		a.options.Log.V(1).Info("too much at once", "requestID", call.ID, "tenant", call.Tenant, "cause", err.Error())
	case issuing.IsUnserved(err):
		a.options.Log.V(1).Info("tenant not served", "requestID", call.ID, "tenant", call.Tenant, "cause", err.Error())
	default:
		a.options.Log.Error(err, "wazo request failed", "requestID", call.ID, "tenant", call.Tenant)
	}
	a.write(w, r, p)
}

// refuseAsServer is the dialect's endpoint.Refusal.
func (a *API) refuseAsServer(w http.ResponseWriter, r *http.Request, status int) {
	a.write(w, r, serverProblem(status))
}

// write is the one writer of errors.
func (a *API) write(w http.ResponseWriter, r *http.Request, p *problem) {
	endpoint.SetRetryAfter(w.Header(), p.retryAfter)
	if r.Method == http.MethodHead {
		w.WriteHeader(p.status)
		return
	}
	if p.framework {
		send(w, p.status, frameworkError{Message: p.text})
		return
	}
	now := float64(a.options.Clock.Now().UnixMicro()) / 1e6
	send(w, p.status, tokenError{Reason: []string{p.text}, Timestamp: []float64{now}, StatusCode: p.status})
}

// tokenError is the error of the token routes. Reason and Timestamp are lists of one.
type tokenError struct {
	Reason     []string  `json:"reason"`
	Timestamp  []float64 `json:"timestamp"`
	StatusCode int       `json:"status_code"`
}

type frameworkError struct {
	Message string `json:"message"`
}
