package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The same lines, typed with the stand-in and, where the machine has it, with curl itself.
func TestTheStandInDoesWhatCurlDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ line, wantSent, wantPrinted string }{
		"a form with Basic authentication": {
			line: `curl -sS --cacert "$CA" -u "app:s:cret" -d "grant_type=password&scope=a" -d x=%20y "$URL/token"`,
			wantSent: "POST /token basic=app:s:cret type=application/x-www-form-urlencoded " +
				"body=grant_type=password&scope=a&x=%20y",
			wantPrinted: "answer",
		},
		"JSON": {
			line:        `curl -sS --cacert "$CA" -H 'Content-Type: application/json' -d '{"a": 1}' "$URL/token"`,
			wantSent:    `POST /token type=application/json body={"a": 1}`,
			wantPrinted: "answer",
		},
		"a DELETE": {
			line:        `curl -sS --cacert "$CA" -X DELETE "$URL/token/x"`,
			wantSent:    "DELETE /token/x",
			wantPrinted: "answer",
		},
		"a HEAD with a query": {
			line:        `curl -sS --cacert "$CA" --head "$URL/token/x?scope=a.b" | grep '^HTTP.* 404'`,
			wantSent:    "HEAD /token/x?scope=a.b",
			wantPrinted: "HTTP/2 404",
		},
		"an answer into a file": {
			line:        `curl -sS --cacert "$CA" -o "$FILE" "$URL/jwks"; echo from a file; cat "$FILE"`,
			wantSent:    "GET /jwks",
			wantPrinted: "from a file\nanswer",
		},
	}
	for curl, path := range curls(t) {
		for name, tc := range tests {
			t.Run(curl+", "+name, func(t *testing.T) {
				t.Parallel()
				sent := make(chan string, 1)
				server := startServer(t, func(w http.ResponseWriter, r *http.Request) {
					sent <- describe(t, r)
					w.WriteHeader(http.StatusNotFound)
					_, _ = io.WriteString(w, "answer")
				})
				got, err := typeLine(t, path, server, tc.line)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.wantSent, <-sent); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.wantPrinted, strings.TrimSpace(got)); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestTheStandInTrustsOnlyTheGivenCA(t *testing.T) {
	t.Parallel()
	server := startServer(t, func(http.ResponseWriter, *http.Request) { t.Error("the request has arrived") })
	foreign := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(foreign, newCertificate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for curl, path := range curls(t) {
		got, err := typeLine(t, path, server, `curl -sS --cacert '`+foreign+`' "$URL/jwks"`)
		if err == nil {
			t.Errorf("%s: no error, and the answer %q", curl, got)
		}
	}
}

func TestTheStandInRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"an option that the demo does not use": {"--compressed-ssh", "x", "https://127.0.0.1"},
		"an option without its value":          {"https://127.0.0.1", "-X"},
		"no URL":                               {"-sS"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t.Context(), io.Discard, curlName, args); err == nil {
				t.Error("no error")
			}
		})
	}
}

// curls are directories that begin a PATH: with the stand-in, and without, where curl is there.
func curls(t *testing.T) map[string]string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, curlName)); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{"the stand-in": dir}
	if _, err := exec.LookPath(curlName); err == nil {
		found["curl"] = t.TempDir()
	}
	return found
}

func startServer(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is to see handshakes that fail
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// newCertificate makes a CA's certificate, as PEM.
func newCertificate(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return asPEM(der)
}

func asPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// typeLine gives a line to a shell and returns what it prints.
func typeLine(t *testing.T, path string, server *httptest.Server, line string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(ca, asPEM(server.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("/bin/sh", "-euc", line)
	command.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "no_proxy=127.0.0.1",
		"URL="+server.URL, "CA="+ca, "FILE="+filepath.Join(dir, "answer"))
	output, err := command.CombinedOutput()
	return string(output), err
}

// describe tells what of a request this test looks at.
func describe(t *testing.T, r *http.Request) string {
	t.Helper()
	text := r.Method + " " + r.URL.String()
	if user, password, ok := r.BasicAuth(); ok {
		text += " basic=" + user + ":" + password
	}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		text += " type=" + kind
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if len(body) > 0 {
		text += " body=" + string(body)
	}
	return text
}
