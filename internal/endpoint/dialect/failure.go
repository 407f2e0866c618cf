package dialect

import (
	"net/http"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// LogFailure logs what kept the server from answering. That a client went away, or that there are too
// many of them, is not worth a line at most levels, nor is what was logged before.
func LogFailure(log logr.Logger, r *http.Request, call endpoint.Call, err error) {
	switch {
	case r.Context().Err() != nil:
		log.V(1).Info("client went away", "requestID", call.ID, "tenant", call.Tenant)
	case issuing.IsOverload(err):
		log.V(1).Info("too much at once", "requestID", call.ID, "tenant", call.Tenant, "cause", err.Error())
	case issuing.IsUnserved(err):
		log.V(1).Info("tenant not served", "requestID", call.ID, "tenant", call.Tenant, "cause", err.Error())
	default:
		log.Error(err, "request failed", "requestID", call.ID, "tenant", call.Tenant)
	}
}
