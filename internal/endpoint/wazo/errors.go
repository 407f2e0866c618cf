package wazo

import (
	"errors"
	"net/http"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// problem is an error as the client gets it. It says nothing that the client has not sent. Which shape
// it has follows from the route: see shape.
type problem struct {
	status int
	text   string
	// framework is the shape of what no route has looked at, a message, whatever the route is.
	framework bool
	// id, details and resource are told by the API routes alone; see apiError. Without an id the status
	// says which it is, without details there are none.
	id       string
	details  any
	resource string
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

// errMissingAccess is the error of a token that lacks an access. Clients compare the text.
func errMissingAccess(access string) *problem {
	return &problem{status: http.StatusForbidden, text: "Unauthorized for " + access}
}

// errForeignTenant is the error of a token that belongs to another tenant than the one asked for.
func errForeignTenant(tenant string) *problem {
	return &problem{status: http.StatusForbidden, text: "Unauthorized for tenant " + tenant}
}

// errUnknown is the error of an API route about a user, a session or a tenant that is not there.
func errUnknown(kind, id string) *problem {
	return &problem{
		status: http.StatusNotFound, text: "No such " + kind + `: "` + id + `"`, id: "unknown-" + kind,
		details: uuidDetails{id}, resource: kind + "s",
	}
}

type uuidDetails struct {
	UUID string `json:"uuid"`
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

// shape writes an error in the manner of some routes.
type shape func(a *API, w http.ResponseWriter, p *problem)

// refuse writes the answer to a request that fails, and logs what kept the server from answering.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, call endpoint.Call, as shape, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = problemOf(issuing.AsRefusal(err))
	}
	if p.status >= http.StatusInternalServerError {
		dialect.LogFailure(a.options.Log, r, call, err)
	}
	a.write(w, r, as, p)
}

// refuseAsServer is the dialect's endpoint.Refusal.
func (a *API) refuseAsServer(w http.ResponseWriter, r *http.Request, status int) {
	a.write(w, r, asToken, serverProblem(status))
}

// write is the one writer of errors.
func (a *API) write(w http.ResponseWriter, r *http.Request, as shape, p *problem) {
	endpoint.SetRetryAfter(w.Header(), p.retryAfter)
	if _, told := w.Header()["Allow"]; p.status == http.StatusMethodNotAllowed && !told {
		w.Header().Set("Allow", "") // the one method there is, is not for this one (RFC 9110 §10.2.1)
	}
	switch {
	case r.Method == http.MethodHead:
		w.WriteHeader(p.status)
	case p.framework:
		send(w, p.status, frameworkError{Message: p.text})
	default:
		as(a, w, p)
	}
}

// now is the time as errors tell it: seconds since 1970, to the microsecond.
func (a *API) now() float64 { return float64(a.options.Clock.Now().UnixMicro()) / 1e6 }

// asToken is the shape of the token routes.
func asToken(a *API, w http.ResponseWriter, p *problem) {
	send(w, p.status, tokenError{Reason: []string{p.text}, Timestamp: []float64{a.now()}, StatusCode: p.status})
}

// tokenError is the error of the token routes. Reason and Timestamp are lists of one.
type tokenError struct {
	Reason     []string  `json:"reason"`
	Timestamp  []float64 `json:"timestamp"`
	StatusCode int       `json:"status_code"`
}

// asAPI is the shape of the API routes.
func asAPI(a *API, w http.ResponseWriter, p *problem) {
	body := apiError{Message: p.text, ErrorID: p.id, Details: p.details, Timestamp: a.now(), Resource: p.resource}
	if body.ErrorID == "" {
		body.ErrorID = errorIDs[p.status]
	}
	if body.Details == nil {
		body.Details = struct{}{}
	}
	send(w, p.status, body)
}

// apiError is the error of the API routes. Details is an object, an empty one where there are none.
type apiError struct {
	Message   string  `json:"message"`
	ErrorID   string  `json:"error_id"`
	Details   any     `json:"details"`
	Timestamp float64 `json:"timestamp"`
	Resource  string  `json:"resource,omitempty"`
}

// errorIDs name the problems that are the same on all API routes.
var errorIDs = map[int]string{
	http.StatusBadRequest:         "invalid-data",
	http.StatusUnauthorized:       "unauthorized",
	http.StatusTooManyRequests:    "too-many-requests",
	http.StatusServiceUnavailable: "service-unavailable",
}

// frameworkError is the error of the server itself.
type frameworkError struct {
	Message string `json:"message"`
}
