package certificates

import (
	"crypto/rand"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"
)

const day = 24 * time.Hour

// birth is when the bundles of these tests are first made.
var birth = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

var want = Wanted{
	DNSNames:  []string{"grantkeeper.grantkeeper.svc", "localhost"},
	Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")},
	Hold:      day,
}

// settle makes a bundle at birth and settles it again at each of the ages given.
func settle(t *testing.T, ages ...time.Duration) *Bundle {
	t.Helper()
	var b *Bundle
	for _, age := range append([]time.Duration{0}, ages...) {
		b = settleAt(t, b, want, birth.Add(age))
	}
	return b
}

func settleAt(t *testing.T, b *Bundle, want Wanted, now time.Time) *Bundle {
	t.Helper()
	settled, _, err := Settle(rand.Reader, b, want, now)
	if err != nil {
		t.Fatalf("Settle at %s: %v", now, err)
	}
	return settled
}

// verify checks a serving certificate as a client does that trusts the bundle.
func verify(t *testing.T, serving *x509.Certificate, trusted []byte, now time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		t.Fatal("the bundle holds no certificate")
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "grantkeeper.grantkeeper.svc"} {
		if _, err := serving.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			t.Errorf("at %s, for %q: %v", now, name, err)
		}
	}
}
