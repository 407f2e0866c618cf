package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A printed line is right when a real shell makes the intended words of it.
func TestQuotedWordsSurviveARealShell(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"a plain word":                        {"--data-urlencode", "--data-urlencode"},
		"a header with a blank":               {"Content-Type: application/json", "Content-Type: application/json"},
		"an empty word":                       {"", ""},
		"a single quote":                      {"it's", "it's"},
		"JSON with a variable":                {`{"user":"$NAME"}`, `{"user":"alice"}`},
		"JSON without a variable":             {`{"expiration":60}`, `{"expiration":60}`},
		"a variable beside a backquote":       {"`$NAME`", "`alice`"},
		"a variable beside a backslash":       {`\$NAME`, `\alice`},
		"shell characters without a variable": {"a;b|c&d>e*?", "a;b|c&d>e*?"},
		"a tilde":                             {"~", "~"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command("/bin/sh", "-c", "printf %s "+quote(tc.text))
			command.Env = append(os.Environ(), "NAME=alice")
			got, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("the shell reads %s as %q, want %q", quote(tc.text), got, tc.want)
			}
		})
	}
}

func TestARequestIsPrintedAsCurlAndSentTheSame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		request  request
		wantLine string
		wantSent string
	}{
		"a form with Basic authentication": {
			request: request{
				path: "/token",
				user: "$CLIENT:$SECRET",
				form: []string{"grant_type=password", "password=$PASSWORD"},
			},
			wantLine: `curl -sS --cacert "$GRANTKEEPER_CA" -u "$CLIENT:$SECRET" ` +
				`--data-urlencode grant_type=password --data-urlencode "password=$PASSWORD" "$GRANTKEEPER_URL/token"`,
			wantSent: "POST /token basic=app:s:cret type=application/x-www-form-urlencoded " +
				"body=grant_type=password&password=a%26b",
		},
		"JSON with a method and a header": {
			request: request{method: http.MethodPut, path: "/x", headers: []string{"X-Auth-Token: $TOKEN"}, json: `{"a":1}`},
			wantLine: `curl -sS --cacert "$GRANTKEEPER_CA" -X PUT -H "X-Auth-Token: $TOKEN" ` +
				`-H 'Content-Type: application/json' -d '{"a":1}' "$GRANTKEEPER_URL/x"`,
			wantSent: `PUT /x token=t0k type=application/json body={"a":1}`,
		},
		"a HEAD": {
			request:  request{method: http.MethodHead, path: "/token/$TOKEN"},
			wantLine: `curl -sS --cacert "$GRANTKEEPER_CA" --head "$GRANTKEEPER_URL/token/$TOKEN"`,
			wantSent: "HEAD /token/t0k",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent = describe(r) }))
			defer server.Close()
			var out strings.Builder
			s := &shell{out: &out, http: server.Client()}
			for name, value := range map[string]string{
				"GRANTKEEPER_URL": server.URL, "CLIENT": "app", "SECRET": "s:cret", "PASSWORD": "a&b", "TOKEN": "t0k",
			} {
				s.set(name, value)
			}
			if _, err := s.do(t.Context(), tc.request, http.StatusOK); err != nil {
				t.Fatal(err)
			}
			line, _, _ := strings.Cut(out.String(), "\n")
			if diff := cmp.Diff("  $ "+tc.wantLine, line); diff != "" {
				t.Errorf("printed line (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantSent, sent); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// describe tells what of a request this test looks at.
func describe(r *http.Request) string {
	text := r.Method + " " + r.URL.Path
	if user, password, ok := r.BasicAuth(); ok {
		text += " basic=" + user + ":" + password
	}
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		text += " token=" + token
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		text += " type=" + kind
	}
	if body, err := io.ReadAll(r.Body); err == nil && len(body) > 0 {
		text += " body=" + string(body)
	}
	return text
}

func TestAnUnexpectedStatusStopsTheDemo(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s := &shell{out: io.Discard, http: server.Client()}
	s.set("GRANTKEEPER_URL", server.URL)
	if _, err := s.do(t.Context(), request{path: "/jwks"}, http.StatusOK); err == nil {
		t.Error("do: no error")
	}
}
