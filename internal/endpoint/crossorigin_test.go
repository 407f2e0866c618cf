package endpoint

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	app   = "https://app.example.com"
	other = "https://other.example.com"
)

// openDialects are twoDialects, of which the first is open to other origins, and key sets, which are as well.
func openDialects() []Dialect {
	dialects := twoDialects()
	dialects[0].CrossOrigin = &CrossOrigin{Send: []string{"Authorization", "X-Auth-Token"}, Read: []string{"Retry-After"}}
	dialects[0].Routes = append(dialects[0].Routes,
		Route{http.MethodGet, "/0.1/broken", func(http.ResponseWriter, *http.Request, Call) { panic("broken") }},
		Route{http.MethodGet, "/0.1/silent", func(http.ResponseWriter, *http.Request, Call) {}},
	)
	keySet := func(string) ([]byte, error) { return []byte(`{"keys":[]}`), nil }
	return append(dialects, Dialect{Routes: JWKSRoutes(keySet, time.Minute, nil), CrossOrigin: &CrossOrigin{}})
}

// shared are the headers by which an answer says who may read it, with its status and those that bear on it.
func shared(got reply) map[string]string {
	said := map[string]string{"status": got.Status[:3]}
	for name, values := range got.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Vary" || name == "Allow" {
			said[name] = strings.Join(values, " | ")
		}
	}
	return said
}

// with is one map of several.
func with(all ...map[string]string) map[string]string {
	one := map[string]string{}
	for _, some := range all {
		maps.Copy(one, some)
	}
	return one
}

func TestPagesOfOtherOriginsReadWhatIsOpenToThem(t *testing.T) {
	t.Parallel()
	servers := map[string]*running{
		"":        run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: openDialects()}),
		app:       run(t, &running{mux: MuxOptions{DefaultTenant: "main", AllowedOrigins: []string{app, "https://[2001:db8::1]:3000"}}, dialects: openDialects()}),
		AnyOrigin: run(t, &running{mux: MuxOptions{DefaultTenant: "main", AllowedOrigins: []string{AnyOrigin}}, dialects: openDialects()}),
	}
	status := func(code string) map[string]string { return map[string]string{"status": code} }
	named := map[string]string{"Access-Control-Allow-Origin": app, "Access-Control-Expose-Headers": "Retry-After", "Vary": "Origin"}
	anyone := map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
	question := map[string]string{"status": "204", "Access-Control-Allow-Methods": "GET, HEAD, DELETE", "Access-Control-Allow-Headers": "Authorization, X-Auth-Token", "Access-Control-Max-Age": "3600"}
	varies := map[string]string{"Vary": "Origin"}
	tests := map[string]struct {
		allowed, method, path, origin, asks string
		want                                map[string]string
	}{
		"an allowed origin reads an answer":                    {app, "GET", "/0.1/token/abc", app, "", with(status("200"), named)},
		"so it does below a tenant's path":                     {app, "GET", "/t/team-a/0.1/token/abc", app, "", with(status("200"), named)},
		"so it does where nothing is written":                  {app, "GET", "/0.1/silent", app, "", with(status("200"), named)},
		"it reads that there is no such route":                 {app, "GET", "/0.1/nothing", app, "", with(status("404"), named)},
		"it reads that there is no such method":                {app, "PUT", "/0.1/token/abc", app, "", with(status("405"), named, map[string]string{"Allow": "GET, HEAD, DELETE"})},
		"it reads that a handler has failed":                   {app, "GET", "/0.1/broken", app, "", with(status("500"), named)},
		"it may ask first":                                     {app, "OPTIONS", "/0.1/token/abc", app, "DELETE", with(question, map[string]string{"Access-Control-Allow-Origin": app, "Vary": "Origin"})},
		"it may ask first below a tenant's path":               {app, "OPTIONS", "/t/team-a/0.1/token/abc", app, "DELETE", with(question, map[string]string{"Access-Control-Allow-Origin": app, "Vary": "Origin"})},
		"it is told what there is, not what it asks for":       {app, "OPTIONS", "/0.1/token/abc", app, "PATCH", with(question, map[string]string{"Access-Control-Allow-Origin": app, "Vary": "Origin"})},
		"OPTIONS that asks for nothing is a method like PUT":   {app, "OPTIONS", "/0.1/token/abc", app, "", with(status("405"), named, map[string]string{"Allow": "GET, HEAD, DELETE"})},
		"another origin gets an answer that it cannot read":    {app, "GET", "/0.1/token/abc", other, "", with(status("200"), varies)},
		"another origin may not":                               {app, "OPTIONS", "/0.1/token/abc", other, "DELETE", with(status("405"), varies, map[string]string{"Allow": "GET, HEAD, DELETE"})},
		"an origin in the clear is another":                    {app, "GET", "/0.1/token/abc", "http://app.example.com", "", with(status("200"), varies)},
		"an origin with another port is another":               {app, "GET", "/0.1/token/abc", app + ":8443", "", with(status("200"), varies)},
		"an origin that goes on is another":                    {app, "GET", "/0.1/token/abc", app + ".example.org", "", with(status("200"), varies)},
		"no origin is another":                                 {app, "GET", "/0.1/token/abc", "null", "", with(status("200"), varies)},
		"a star is no origin":                                  {app, "GET", "/0.1/token/abc", "*", "", with(status("200"), varies)},
		"a dialect that is not open stays closed":              {app, "POST", "/token", app, "", status("200")},
		"a question to a dialect that is not open is refused":  {app, "OPTIONS", "/token", app, "POST", map[string]string{"status": "405", "Allow": "POST"}},
		"probes are not open":                                  {AnyOrigin, "OPTIONS", "/healthz", app, "GET", map[string]string{"status": "405", "Allow": "GET, HEAD"}},
		"a path of no dialect is not open":                     {AnyOrigin, "GET", "/nothing", app, "", status("404")},
		"who is no page gets an answer as ever":                {app, "GET", "/0.1/token/abc", "", "", status("200")},
		"who is no page is told no more where all are allowed": {AnyOrigin, "GET", "/0.1/token/abc", "", "", status("200")},
		"any origin reads where all are allowed":               {AnyOrigin, "GET", "/0.1/token/abc", other, "", with(status("200"), anyone)},
		"no origin does as well":                               {AnyOrigin, "GET", "/0.1/token/abc", "null", "", with(status("200"), anyone)},
		"any origin may ask first":                             {AnyOrigin, "OPTIONS", "/0.1/token/abc", other, "DELETE", with(question, map[string]string{"Access-Control-Allow-Origin": "*"})},
		"nobody is allowed where none is named":                {"", "GET", "/0.1/token/abc", app, "", status("200")},
		"nobody may ask where none is named":                   {"", "OPTIONS", "/0.1/token/abc", app, "GET", map[string]string{"status": "405", "Allow": "GET, HEAD, DELETE"}},
		"a copy of the key set is for whoever got it":          {AnyOrigin, "GET", "/jwks", "", "", with(status("200"), varies)},
		"a key set may be read":                                {AnyOrigin, "GET", "/jwks", app, "", with(status("200"), varies, map[string]string{"Access-Control-Allow-Origin": "*"})},
		"a copy of the key set is for one origin":              {app, "GET", "/jwks", app, "", with(status("200"), varies, map[string]string{"Access-Control-Allow-Origin": app})},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if tc.origin != "" {
				headers = append(headers, "Origin", tc.origin)
			}
			if tc.asks != "" {
				headers = append(headers, "Access-Control-Request-Method", tc.asks, "Access-Control-Request-Headers", "x-anything")
			}
			got := servers[tc.allowed].do(t, tc.method, tc.path, nil, headers...)
			if diff := cmp.Diff(tc.want, shared(got)); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", tc.method, tc.path, diff)
			}
		})
	}
}

func TestAnOriginThatIsThereTwiceIsNone(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main", AllowedOrigins: []string{app}}, dialects: openDialects()})
	got := server.get(t, "/0.1/token/abc", "Origin", app, "Origin", app)
	if diff := cmp.Diff(map[string]string{"status": "200"}, shared(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPathOfTwoDialectsIsOpenForWhatBothNeed(t *testing.T) {
	t.Parallel()
	one := &CrossOrigin{Send: []string{"Content-Type", "Authorization"}, Read: []string{"Retry-After"}}
	two := &CrossOrigin{Send: []string{"Wazo-Tenant", "Authorization"}}
	want := &CrossOrigin{Send: []string{"Authorization", "Content-Type", "Wazo-Tenant"}, Read: []string{"Retry-After"}}
	if diff := cmp.Diff(want, one.And(two)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQuestionsOfBrowsersAreCountedAsSuch(t *testing.T) {
	t.Parallel()
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main", AllowedOrigins: []string{app}}, dialects: openDialects()})
	server.do(t, "OPTIONS", "/0.1/token/abc", nil, "Origin", app, "Access-Control-Request-Method", "GET")
	server.do(t, "OPTIONS", "/0.1/token/abc", nil)
	want := map[string]uint64{
		"code=2xx method=OPTIONS route=/0.1/token/{token}": 1,
		"code=4xx method=other route=/0.1/token/{token}":   1,
	}
	await(t, "both are counted", func() bool { return cmp.Equal(want, counts(t, server)) })
}

// Nothing else may run meanwhile.
func TestAnAnswerToAnotherOriginAllocatesNothing(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	count := func(allowed []string, origin string) float64 {
		options := muxOptions(t)
		options.DefaultTenant, options.AllowedOrigins = "main", allowed
		mux, err := NewMux(options, Dialect{CrossOrigin: &CrossOrigin{}, Routes: []Route{{http.MethodHead, "/0.1/token/{token}", func(w http.ResponseWriter, _ *http.Request, _ Call) {
			w.WriteHeader(http.StatusNoContent)
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodHead, "/0.1/token/abc", nil)
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		w := discard{http.Header{}}
		return testing.AllocsPerRun(100, func() {
			clear(w.header)
			mux.ServeHTTP(w, request)
		})
	}
	closed := count(nil, "")
	for _, allowed := range []string{app, AnyOrigin} {
		for _, origin := range []string{"", app, other} {
			if open := count([]string{allowed}, origin); open > closed {
				t.Errorf("%v allocations for %q where %q is allowed, and %v where none is", open, origin, allowed, closed)
			}
		}
	}
}
