package certificates

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/pacing"
)

// Distribution is how a changed bundle reaches those who hold a copy of it: not all of them at once,
// but each in time.
type Distribution struct {
	// Wanted is the bundle that all shall hold, as Bundle.Trusted gives it.
	Wanted []byte
	// Previous is the one before, where the change to Wanted was seen; nil otherwise. Changed is when.
	Previous []byte
	Changed  time.Time
	// Hold is Wanted.Hold: so long after its birth a new authority signs, at the earliest. Zero where
	// nobody knows: then no copy is kept.
	Hold time.Duration
}

// Keeps tells whether a holder of a copy may keep it for now, and until when; a zero time where only
// another change ends it. Copies are replaced within the first half of Hold, each holder's at a moment
// of its own. A copy that lacks the authority that signs now is not kept, nor is one with a certificate
// in it that was never ours as far as can be told.
func (d *Distribution) Keeps(held []byte, holder string, now time.Time) (until time.Time, keeps bool) {
	if d.Hold == 0 || len(held) == 0 || bytes.Equal(held, d.Wanted) {
		return time.Time{}, false
	}
	wanted, copied := split(d.Wanted), split(held)
	if len(wanted) == 0 || !contains(copied, wanted[0]) {
		return time.Time{}, false
	}
	isPrevious := bytes.Equal(held, d.Previous)
	if !isPrevious && len(without(copied, wanted)) > 0 {
		return time.Time{}, false
	}
	began := d.Changed
	if missing := without(wanted, copied); len(missing) > 0 {
		began = firstBorn(missing)
	} else if !isPrevious {
		return time.Time{}, true // the same ones in another order
	}
	until = began.Add(pacing.Spread(holder, d.Hold/2))
	return until, now.Before(until)
}

// split gives the certificates of a bundle; nil where anything else is in it.
func split(bundle []byte) (certificates [][]byte) {
	for len(bundle) > 0 {
		block, rest := pem.Decode(bundle)
		if block == nil || block.Type != pemCertificate {
			return nil
		}
		certificates, bundle = append(certificates, block.Bytes), rest
	}
	return certificates
}

// without gives the certificates that are not among the others.
func without(certificates, others [][]byte) (rest [][]byte) {
	for _, certificate := range certificates {
		if !contains(others, certificate) {
			rest = append(rest, certificate)
		}
	}
	return rest
}

func contains(certificates [][]byte, wanted []byte) bool {
	for _, certificate := range certificates {
		if bytes.Equal(certificate, wanted) {
			return true
		}
	}
	return false
}

// firstBorn is when the first of some authorities was made; zero where one cannot be read.
func firstBorn(authorities [][]byte) (first time.Time) {
	for i, der := range authorities {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return time.Time{}
		}
		if born := issuedAt(certificate); i == 0 || born.Before(first) {
			first = born
		}
	}
	return first
}
