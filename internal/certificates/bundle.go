package certificates

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"time"
)

// How long things last. An authority lasts years because everything outside the cluster that holds a
// copy of the bundle has to be given the next one in time: it is published for nine months before
// it has to sign.
const (
	// ServingLifetime is how long a serving certificate is good. It is renewed at two thirds.
	ServingLifetime = 90 * 24 * time.Hour
	// AuthorityLifetime is how long an authority is good. Its successor is published at two thirds
	// and takes over as soon as a serving certificate would outlive the authority.
	AuthorityLifetime = 3 * 365 * 24 * time.Hour
	// backdate is how far clients' clocks may be behind ours.
	backdate = 5 * time.Minute
)

// Pair is a certificate and its private key. The key leaves this package by Encode only; neither
// fmt nor JSON shows it.
type Pair struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Retired is an authority that signs no more. Its key is gone.
type Retired struct {
	Authority *x509.Certificate
	// LastServing is the last certificate that it signed: once that has expired, nobody needs the
	// authority.
	LastServing *x509.Certificate
}

// Bundle is all there is: what signs, what will sign, what has signed, and what is served. It is not
// modified once it was made or decoded.
type Bundle struct {
	// Authority signs serving certificates. Never nil.
	Authority *Pair
	// Next is the published successor, or nil.
	Next *Pair
	// Retired is the predecessor while it is still published, or nil.
	Retired *Retired
	// Serving is nil only between two steps of Settle.
	Serving *Pair
}

// Trusted returns what clients are to trust, in PEM: the authority first, then the next and the
// retired one.
func (b *Bundle) Trusted() []byte {
	trusted := encodeCertificate(b.Authority.Certificate)
	if b.Next != nil {
		trusted = append(trusted, encodeCertificate(b.Next.Certificate)...)
	}
	if b.Retired != nil {
		trusted = append(trusted, encodeCertificate(b.Retired.Authority)...)
	}
	return trusted
}

func encodeCertificate(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: certificate.Raw})
}

// issuedAt undoes the backdating.
func issuedAt(certificate *x509.Certificate) time.Time {
	return certificate.NotBefore.Add(backdate)
}

// twoThirds is when a certificate is due to be followed by another.
func twoThirds(certificate *x509.Certificate) time.Time {
	issued := issuedAt(certificate)
	return issued.Add(certificate.NotAfter.Sub(issued) / 3 * 2)
}

// hasExpired says whether a certificate is no good any more at that instant.
func hasExpired(certificate *x509.Certificate, now time.Time) bool {
	return now.After(certificate.NotAfter)
}
