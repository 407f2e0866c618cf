package wazo

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"
)

// contract is the served document, read once.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	document, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	return document, document.Validate(openapi3.NewLoader().Context)
})

// documented finds what the document says of a request.
var documented = sync.OnceValues(func() (routers.Router, error) {
	document, err := contract()
	if err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(document)
})

// held is a handler whose every answer is held against the document: its status, its media type, its
// headers and its body. What no operation of the document takes is not looked at.
func held(t testing.TB, handler http.Handler) http.Handler {
	t.Helper()
	router, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, parameters, err := router.FindRoute(r)
		if err != nil {
			handler.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		if err := holds(r, route, parameters, recorder); err != nil {
			t.Errorf("%s %s answers otherwise than the document says: %v", r.Method, route.Path, err)
		}
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(recorder.Body.Bytes())
	})
}

// holds holds one answer against its operation.
func holds(r *http.Request, route *routers.Route, parameters map[string]string, answer *httptest.ResponseRecorder) error {
	documented := route.Operation.Responses.Status(answer.Code)
	if documented == nil {
		return fmt.Errorf("status %d is not documented", answer.Code)
	}
	if len(documented.Value.Content) == 0 && answer.Body.Len() > 0 {
		return fmt.Errorf("status %d has a body", answer.Code)
	}
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route},
		Status:                 answer.Code,
		Header:                 answer.Header(),
		Body:                   io.NopCloser(bytes.NewReader(answer.Body.Bytes())),
	})
}

func TestTheDocumentIsServedAsItIs(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for _, prefix := range []string{"", "/api/auth"} {
		got := h.do("GET", prefix+"/0.1/api/api.yml", "")
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/yaml" {
			t.Errorf("%d %q", got.status, got.header.Get("Content-Type"))
		}
		if diff := cmp.Diff(string(openAPI), got.body); diff != "" {
			t.Error(diff)
		}
	}
}

// TestTheDocumentHasEveryRouteAndNoOther compares what is mounted with what is documented.
func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	document, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	var promised []string
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			promised = append(promised, method+" "+anonymous(path))
		}
	}
	var mounted []string
	for _, route := range New(Options{}).Dialect().Routes {
		if path, ok := strings.CutPrefix(route.Pattern, strings.TrimSuffix(ownPrefix, "/")); ok {
			mounted = append(mounted, route.Method+" "+anonymous(path))
		}
	}
	slices.Sort(promised)
	slices.Sort(mounted)
	if diff := cmp.Diff(mounted, promised); diff != "" {
		t.Errorf("mounted (-) and documented (+): %s", diff)
	}
}

// anonymous is a path whose parameters have no names: those of the code are not part of the contract.
func anonymous(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, "{") {
			part = "{}"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/")
}
