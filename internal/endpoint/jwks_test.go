package endpoint

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestJWKS(t *testing.T) {
	t.Parallel()
	sets := map[string]string{"main": `{"keys":[]}`, "team-a": `{"keys":[{"kid":"a"}]}`}
	keySet := func(tenant string) ([]byte, error) {
		set, ok := sets[tenant]
		if !ok {
			return nil, errors.New("no keys")
		}
		return []byte(set), nil
	}
	fail := func(w http.ResponseWriter, _ *http.Request, call Call, err error) {
		writePlain(w, http.StatusTeapot, call.Tenant+": "+err.Error())
	}
	server := run(t, &running{mux: MuxOptions{DefaultTenant: "main"}, dialects: []Dialect{{Routes: JWKSRoutes(keySet, 300*time.Second, fail)}}})
	tag := server.get(t, "/jwks").Header.Get("ETag")
	other := server.get(t, "/t/team-a/jwks").Header.Get("ETag")
	if tag == other || len(tag) != 22 {
		t.Fatalf("tags %q and %q", tag, other)
	}

	tests := map[string]struct {
		method, path, match string
		status              int
		body, cache, length string
	}{
		"the default tenant's keys":                {"GET", "/jwks", "", 200, sets["main"], "public, max-age=300", "11"},
		"another tenant's keys":                    {"GET", "/t/team-a/jwks", "", 200, sets["team-a"], "public, max-age=300", "22"},
		"HEAD tells the same without the keys":     {"HEAD", "/jwks", "", 200, "", "public, max-age=300", "11"},
		"a tenant without keys":                    {"GET", "/t/none/jwks", "", 418, "none: no keys", "no-store", "13"},
		"a copy that is still good":                {"GET", "/jwks", tag, 304, "", "public, max-age=300", ""},
		"a copy that is still good, asked by HEAD": {"HEAD", "/jwks", tag, 304, "", "public, max-age=300", ""},
		"a copy with a weak tag":                   {"GET", "/jwks", "W/" + tag, 304, "", "public, max-age=300", ""},
		"one of several copies":                    {"GET", "/jwks", other + ` , ` + tag, 304, "", "public, max-age=300", ""},
		"any copy at all":                          {"GET", "/jwks", "*", 304, "", "public, max-age=300", ""},
		"a copy of something else":                 {"GET", "/jwks", other, 200, sets["main"], "public, max-age=300", "11"},
		"a tag without its quotes":                 {"GET", "/jwks", tag[1 : len(tag)-1], 200, sets["main"], "public, max-age=300", "11"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if tc.match != "" {
				headers = []string{"If-None-Match", tc.match}
			}
			got := server.do(t, tc.method, tc.path, nil, headers...)
			if got.StatusCode != tc.status || got.body != tc.body {
				t.Errorf("%d %q, want %d %q", got.StatusCode, got.body, tc.status, tc.body)
			}
			if cache, length := got.Header.Get("Cache-Control"), got.Header.Get("Content-Length"); cache != tc.cache || length != tc.length {
				t.Errorf("Cache-Control %q, Content-Length %q; want %q, %q", cache, length, tc.cache, tc.length)
			}
			if kind := got.Header.Get("Content-Type"); tc.status == 200 && kind != "application/jwk-set+json" {
				t.Errorf("Content-Type %q", kind)
			}
		})
	}
}
