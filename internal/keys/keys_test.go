package keys

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	testGrant   = "353fefa1-0c6f-4b1e-9c1f-2a7d3c5b8e90"
	testSubject = "6f1c2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b"
)

var (
	testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

	update = flag.Bool("update", false, "write the golden files anew: the bytes are final, so think first")
)

// testDocument is the fixture of package keystest, which this package's own
// tests cannot import. It names NAMESPACE, UID and ISSUER as its tenant.
func testDocument(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("keystest", "testdata", "keyring.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func testRing(t testing.TB) *Ring {
	t.Helper()
	ring, err := Decode(testDocument(t))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func testSigner(t testing.TB, ring *Ring, alg Algorithm) *SigningKey {
	t.Helper()
	key, err := ring.Signer(alg)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// golden compares got with testdata/<name>.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got = append(bytes.Clone(got), '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: bytes that are final have changed (-want +got):\n%s", path, diff)
	}
}

// zeroes is a source of randomness for golden files.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
