package wazosdk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pack makes an archive as npm does.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	written := tar.NewWriter(compressed)
	for name, text := range files {
		if err := written.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := written.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := written.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

func integrityOf(archive []byte) string {
	digest := sha512.Sum512(archive)
	return "sha512-" + base64.StdEncoding.EncodeToString(digest[:])
}

func TestAPackageComesFromTheRegistry(t *testing.T) {
	t.Parallel()
	good := pack(t, map[string]string{"package/dist/sdk.js": "the bundle", "package/package.json": "{}"})
	for name, tc := range map[string]struct {
		archive   []byte
		integrity string
		want      []string // of the cache
		wantFail  bool
	}{
		"as it was when it was chosen": {archive: good, integrity: integrityOf(good), want: []string{"npm-@wazo-sdk-1.2.3"}},
		"changed since":                {archive: pack(t, map[string]string{"package/dist/sdk.js": "another"}), integrity: integrityOf(good), wantFail: true},
		"that is not there":            {wantFail: true},
		"that leads out of its directory": {
			archive: pack(t, map[string]string{"package/../../outside": "x"}), integrity: integrityOf(pack(t, map[string]string{"package/../../outside": "x"})), wantFail: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.URL.Path != "/@wazo/sdk/-/sdk-1.2.3.tgz" || tc.archive == nil {
					http.NotFound(w, r)
					return
				}
				_, _ = w.Write(tc.archive)
			}))
			t.Cleanup(server.Close)
			r := registry{url: server.URL, cache: filepath.Join(t.TempDir(), "cache")}
			wanted := npmPackage{name: "@wazo/sdk", version: "1.2.3", integrity: tc.integrity}
			dir, err := r.get(t.Context(), wanted)
			if (err != nil) != tc.wantFail {
				t.Fatalf("error %v, want one: %t", err, tc.wantFail)
			}
			var kept []string
			entries, _ := os.ReadDir(r.cache)
			for _, entry := range entries {
				kept = append(kept, entry.Name())
			}
			if diff := cmp.Diff(tc.want, kept); diff != "" {
				t.Errorf("in the cache (-want +got):\n%s", diff)
			}
			if tc.wantFail {
				return
			}
			if text, err := os.ReadFile(filepath.Join(dir, "dist", "sdk.js")); string(text) != "the bundle" {
				t.Errorf("the bundle is %q, %v", text, err)
			}
			if again, err := r.get(t.Context(), wanted); again != dir || err != nil || asked.Load() != 1 {
				t.Errorf("asked again: %q, %v, after %d requests", again, err, asked.Load())
			}
		})
	}
}
