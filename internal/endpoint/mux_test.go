package endpoint

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// twoDialects are shaped like those of the product: one that owns prefixes, one that does not.
func twoDialects() []Dialect {
	shape := func(name string) Refusal {
		return func(w http.ResponseWriter, _ *http.Request, status int) {
			writePlain(w, status, fmt.Sprintf("%s %d", name, status))
		}
	}
	return []Dialect{
		{
			Routes: []Route{
				{http.MethodGet, "/0.1/token/{token}", say("get")},
				{http.MethodHead, "/0.1/token/{token}", say("head")},
				{http.MethodDelete, "/0.1/token/{token}", say("delete")},
				{http.MethodPost, "/0.1/token/{token}/scopes/check", say("check")},
				{http.MethodGet, "/0.1/backends", say("backends")},
			},
			Prefixes: []string{"/0.1/"},
			Refuse:   shape("first"),
		},
		{
			Routes: []Route{{http.MethodPost, "/token", say("token")}},
			Refuse: shape("second"),
		},
	}
}

func TestRouting(t *testing.T) {
	t.Parallel()
	withDefault := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: twoDialects()})
	without := run(t, &running{dialects: twoDialects()})
	tests := map[string]struct {
		server *running
		method string
		path   string
		status int
		body   string
		allow  string
	}{
		"the root is the default tenant's":                     {withDefault, "POST", "/token", 200, "token main ", ""},
		"every tenant has its own path":                        {withDefault, "POST", "/t/team-a/token", 200, "token team-a ", ""},
		"the default tenant has its own path, too":             {withDefault, "POST", "/t/main/token", 200, "token main ", ""},
		"a path holds values":                                  {withDefault, "GET", "/0.1/token/abc", 200, "get main abc", ""},
		"a tenant's path holds values":                         {withDefault, "DELETE", "/t/team-a/0.1/token/abc", 200, "delete team-a abc", ""},
		"a longer path is another route":                       {withDefault, "POST", "/0.1/token/abc/scopes/check", 200, "check main abc", ""},
		"an escaped slash belongs to the value":                {withDefault, "GET", "/0.1/token/a%2Fb", 200, "get main a/b", ""},
		"a query does not matter":                              {withDefault, "GET", "/0.1/token/abc?scope=x", 200, "get main abc", ""},
		"HEAD is answered where it is declared":                {withDefault, "HEAD", "/0.1/token/abc", 200, "", ""},
		"HEAD is not GET":                                      {withDefault, "HEAD", "/0.1/backends", 405, "", "GET"},
		"a method that a path does not have is refused":        {withDefault, "PUT", "/0.1/token/abc", 405, "first 405", "GET, HEAD, DELETE"},
		"each dialect refuses in its own shape":                {withDefault, "GET", "/token", 405, "second 405", "POST"},
		"OPTIONS is a method like others":                      {withDefault, "OPTIONS", "/token", 405, "second 405", "POST"},
		"below a prefix its dialect says what is not there":    {withDefault, "GET", "/0.1/nothing", 404, "first 404", ""},
		"below a tenant's prefix as well":                      {withDefault, "GET", "/t/team-a/0.1/nothing", 404, "first 404", ""},
		"an empty value is no route":                           {withDefault, "GET", "/0.1/token/", 404, "first 404", ""},
		"elsewhere it is plainly not there":                    {withDefault, "GET", "/nothing", 404, "Not Found\n", ""},
		"a prefix is no prefix of a word":                      {withDefault, "GET", "/0.1", 404, "Not Found\n", ""},
		"the root itself is not there":                         {withDefault, "GET", "/", 404, "Not Found\n", ""},
		"a tenant without a path is not there":                 {withDefault, "GET", "/t/team-a", 404, "Not Found\n", ""},
		"an empty tenant is none":                              {withDefault, "POST", "/t//token", 404, "Not Found\n", ""},
		"a trailing slash is another path":                     {withDefault, "POST", "/token/", 404, "Not Found\n", ""},
		"a double slash is not cleaned":                        {withDefault, "POST", "//token", 404, "Not Found\n", ""},
		"a double slash below a prefix is not cleaned":         {withDefault, "POST", "/0.1/token//scopes/check", 404, "first 404", ""},
		"dots are not cleaned":                                 {withDefault, "POST", "/x/../token", 404, "Not Found\n", ""},
		"a value may begin with a dot":                         {withDefault, "GET", "/0.1/token/.abc", 200, "get main .abc", ""},
		"without a default tenant the root has no routes":      {without, "POST", "/token", 404, "Not Found\n", ""},
		"without a default tenant its prefixes keep the shape": {without, "GET", "/0.1/token/abc", 404, "first 404", ""},
		"without a default tenant the others have theirs":      {without, "POST", "/t/team-a/token", 200, "token team-a ", ""},
		"probes are at the root only":                          {without, "GET", "/healthz", 200, "ok\n", ""},
		"probes are no tenant's":                               {without, "GET", "/t/team-a/healthz", 404, "Not Found\n", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.server.do(t, tc.method, tc.path, nil)
			if got.StatusCode != tc.status || got.body != tc.body || got.Header.Get("Allow") != tc.allow {
				t.Errorf("%s %s = %d %q, Allow %q; want %d %q, Allow %q", tc.method, tc.path,
					got.StatusCode, got.body, got.Header.Get("Allow"), tc.status, tc.body, tc.allow)
			}
		})
	}
}

func TestNewMuxRefuses(t *testing.T) {
	t.Parallel()
	get := func(pattern string) Route { return Route{http.MethodGet, pattern, say("")} }
	tests := map[string]struct {
		dialects []Dialect
		want     string
	}{
		"a pattern that is no path":         {[]Dialect{{Routes: []Route{get("token")}}}, `route pattern "token" must be a path outside /t/`},
		"a pattern among the tenants":       {[]Dialect{{Routes: []Route{get("/t/x")}}}, `route pattern "/t/x" must be a path outside /t/`},
		"a pattern that ends with a slash":  {[]Dialect{{Routes: []Route{get("/x/")}}}, `route pattern "/x/" must name whole paths, without a slash or a ... at its end`},
		"a pattern that takes all the rest": {[]Dialect{{Routes: []Route{get("/x/{rest...}")}}}, `route pattern "/x/{rest...}" must name whole paths, without a slash or a ... at its end`},
		"a pattern that hides the tenant":   {[]Dialect{{Routes: []Route{get("/x/{namespace}")}}}, `route pattern "/x/{namespace}" must not use {namespace}, which is the tenant's`},
		"a route that is there twice":       {[]Dialect{{Routes: []Route{get("/x"), get("/x")}}}, `route GET "/x" is there twice`},
		"a path of two dialects":            {[]Dialect{{Routes: []Route{get("/x")}}, {Routes: []Route{{http.MethodPost, "/x", say("")}}}}, `path "/x" belongs to two dialects`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewMux(muxOptions(t), tc.dialects...)
			if err == nil {
				t.Fatal("NewMux accepted it")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewMuxNeedsRandomness(t *testing.T) {
	t.Parallel()
	options := muxOptions(t)
	options.Rand = strings.NewReader("short")
	if _, err := NewMux(options); err == nil {
		t.Error("NewMux did without")
	}
}

func TestNewMuxLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	dialects := []Dialect{{Routes: []Route{{http.MethodGet, "/x", say("")}}}}
	if _, err := NewMux(muxOptions(t), dialects...); err != nil {
		t.Fatal(err)
	}
	if dialects[0].Refuse != nil {
		t.Error("the dialect was changed")
	}
}

func TestByContentType(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: []Route{
		{http.MethodPost, "/token", ByContentType("application/json", say("json"), say("form"))},
	}}}})
	tests := map[string]struct{ contentType, want string }{
		"the media type itself":             {"application/json", "json main "},
		"a media type in another case":      {"Application/JSON", "json main "},
		"a media type with parameters":      {"application/json; charset=utf-8", "json main "},
		"a media type with spaces":          {" application/json ;charset=utf-8", "json main "},
		"a longer media type":               {"application/jsonp", "form main "},
		"another media type":                {"application/x-www-form-urlencoded", "form main "},
		"no media type at all":              {"", "form main "},
		"a media type that cannot be right": {";;;", "form main "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := server.do(t, "POST", "/token", nil, "Content-Type", tc.contentType); got.body != tc.want {
				t.Errorf("%q went to %q, want %q", tc.contentType, got.body, tc.want)
			}
		})
	}
}

// FuzzNoRedirect sends whatever path net/http can read through the route table.
func FuzzNoRedirect(f *testing.F) {
	for _, path := range []string{"/", "/token", "/token/", "//token", "/t/a/token", "/t/a//token", "/0.1/token/./x", "/0.1/token/..", "/a/../token", "/0.1/token/%2e%2e/x", "/0.1", "/t", "*", "/%"} {
		f.Add("GET", path)
		f.Add("CONNECT", path)
	}
	options := muxOptions(f)
	options.DefaultTenant = "main"
	mux, err := NewMux(options, twoDialects()...)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		request, err := http.NewRequest(method, "https://localhost", nil)
		if err != nil {
			t.Skip()
		}
		if request.URL, err = request.URL.Parse(path); err != nil {
			t.Skip()
		}
		request.RequestURI = path
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, request)
		if recorder.Code >= 300 && recorder.Code < 400 || recorder.Code >= 500 {
			t.Errorf("%s %q = %d", method, path, recorder.Code)
		}
	})
}

// muxOptions are enough for a Mux that no server runs.
func muxOptions(t testing.TB) MuxOptions {
	t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return MuxOptions{Health: NewHealth(logr.Discard()), Metrics: metrics, Log: logr.Discard(), Clock: clock.RealClock{}, Rand: rand.Reader}
}
