package keys

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	testGrant   = "353fefa1-0c6f-4b1e-9c1f-2a7d3c5b8e90"
	testSubject = "6f1c2a3b-4d5e-4f60-8a7b-9c0d1e2f3a4b"
)

var testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

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

// zeroes is a source of randomness for golden files.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
