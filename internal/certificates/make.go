package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"time"
)

// newAuthority makes a self-signed authority on P-256. The serial number comes from random; the key
// comes from the system's generator, which Go 1.26 uses whatever reader is given.
func newAuthority(random io.Reader, now time.Time) (*Pair, error) {
	template, err := newTemplate(random, now, AuthorityLifetime)
	if err != nil {
		return nil, err
	}
	// A name of its own, so that chains are built by name without trying every authority's key.
	template.Subject = pkix.Name{CommonName: "Grantkeeper CA " + hex.EncodeToString(template.SerialNumber.Bytes()[:4])}
	template.IsCA = true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign
	return sign(random, template, nil)
}

// newServing makes a certificate for the wanted names, which never outlives its authority.
func newServing(random io.Reader, authority *Pair, want Wanted, now time.Time) (*Pair, error) {
	template, err := newTemplate(random, now, ServingLifetime)
	if err != nil {
		return nil, err
	}
	if template.NotAfter.After(authority.Certificate.NotAfter) {
		template.NotAfter = authority.Certificate.NotAfter
	}
	template.Subject = pkix.Name{CommonName: "Grantkeeper"}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = want.dnsNames()
	for _, address := range want.addresses() {
		template.IPAddresses = append(template.IPAddresses, address.AsSlice())
	}
	return sign(random, template, authority)
}

func newTemplate(random io.Reader, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	var serial [16]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("read randomness for a serial number: %w", err)
	}
	// Positive and of full length, as RFC 5280 section 4.1.2.2 wants it.
	serial[0] = serial[0]&0x7f | 0x40
	issued := now.UTC().Truncate(time.Second)
	return &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial[:]),
		NotBefore:             issued.Add(-backdate),
		NotAfter:              issued.Add(lifetime),
		BasicConstraintsValid: true,
	}, nil
}

// sign makes a key and a certificate for it. Without an authority it signs itself.
func sign(random io.Reader, template *x509.Certificate, authority *Pair) (*Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	parent, signer := template, key
	if authority != nil {
		parent, signer = authority.Certificate, authority.key
	}
	der, err := x509.CreateCertificate(random, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back a certificate: %w", err)
	}
	return &Pair{Certificate: certificate, key: key}, nil
}
