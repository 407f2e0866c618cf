package wazo

import (
	_ "embed"
	"net/http"
	"strconv"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
)

// openAPI is the OpenAPI 3.1 document of the dialect. The tests of this package hold every answer
// against it.
//
//go:embed openapi.yaml
var openAPI []byte

// getDocument answers GET api/api.yml, under which wazo-auth has its own. It tells nothing of a tenant.
func (a *API) getDocument(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) {
	header := w.Header()
	header.Set("Content-Type", "application/yaml")
	header.Set("Content-Length", strconv.Itoa(len(openAPI)))
	w.WriteHeader(http.StatusOK)
	// A client that is gone is no matter of ours.
	_, _ = w.Write(openAPI)
}
