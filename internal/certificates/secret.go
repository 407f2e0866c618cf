package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// The data keys of the Secret. The first three are those of a kubernetes.io/tls Secret, so that the
// server reads its own and a given one alike.
const (
	// DataServingCertificate and DataServingKey are what the endpoint serves with.
	DataServingCertificate = "tls.crt"
	DataServingKey         = "tls.key"
	// DataTrusted is the bundle that is distributed to clients. It follows from the others.
	DataTrusted = "ca.crt"

	dataAuthority    = "authority.crt"
	dataAuthorityKey = "authority.key"
	dataNext         = "next-authority.crt"
	dataNextKey      = "next-authority.key"
	// dataRetired holds two certificates: the retired authority, and the last one that it signed.
	dataRetired = "retired-authority.crt"
)

const (
	pemCertificate = "CERTIFICATE"
	pemPrivateKey  = "PRIVATE KEY"
)

// Encode returns a settled bundle as the data of a Secret. Equal bundles give equal bytes.
func Encode(b *Bundle) (map[string][]byte, error) {
	data := map[string][]byte{DataTrusted: b.Trusted()}
	for _, entry := range []struct {
		pair             *Pair
		certificate, key string
	}{
		{b.Serving, DataServingCertificate, DataServingKey},
		{b.Authority, dataAuthority, dataAuthorityKey},
		{b.Next, dataNext, dataNextKey},
	} {
		if entry.pair == nil {
			continue
		}
		der, err := x509.MarshalPKCS8PrivateKey(entry.pair.key)
		if err != nil {
			return nil, fmt.Errorf("encode %q: %w", entry.key, err)
		}
		data[entry.certificate] = encodeCertificate(entry.pair.Certificate)
		data[entry.key] = pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der})
	}
	if b.Retired != nil {
		data[dataRetired] = append(encodeCertificate(b.Retired.Authority), encodeCertificate(b.Retired.LastServing)...)
	}
	return data, nil
}

// Decode reads what Encode wrote and nothing else: it refuses a key that it does not know, a part
// that is missing, a private key that is not its certificate's, and a certificate that its authority
// has not signed. DataTrusted is not read, for it follows from the rest. Errors name the data key
// and hold nothing of its content.
func Decode(data map[string][]byte) (*Bundle, error) {
	for key := range data {
		if !isKnown(key) {
			return nil, fmt.Errorf("data key %q is unknown", key)
		}
	}
	var b Bundle
	var err error
	if b.Authority, err = decodeAuthority(data, dataAuthority, dataAuthorityKey); err != nil {
		return nil, err
	}
	if len(data[dataNext]) > 0 || len(data[dataNextKey]) > 0 {
		if b.Next, err = decodeAuthority(data, dataNext, dataNextKey); err != nil {
			return nil, err
		}
	}
	if b.Retired, err = decodeRetired(data[dataRetired]); err != nil {
		return nil, fmt.Errorf("data key %q: %w", dataRetired, err)
	}
	if b.Serving, err = decodePair(data, DataServingCertificate, DataServingKey); err != nil {
		return nil, err
	}
	if b.Serving.Certificate.CheckSignatureFrom(b.Authority.Certificate) != nil {
		return nil, fmt.Errorf("data key %q: not signed by the authority in %q", DataServingCertificate, dataAuthority)
	}
	return &b, nil
}

func isKnown(key string) bool {
	switch key {
	case DataServingCertificate, DataServingKey, DataTrusted, dataAuthority, dataAuthorityKey, dataNext, dataNextKey, dataRetired:
		return true
	}
	return false
}

func decodeAuthority(data map[string][]byte, certificateKey, keyKey string) (*Pair, error) {
	pair, err := decodePair(data, certificateKey, keyKey)
	if err != nil {
		return nil, err
	}
	if !isAuthority(pair.Certificate) {
		return nil, fmt.Errorf("data key %q: not an authority that may sign", certificateKey)
	}
	return pair, nil
}

func isAuthority(certificate *x509.Certificate) bool {
	return certificate.IsCA && certificate.KeyUsage&x509.KeyUsageCertSign != 0
}

func decodePair(data map[string][]byte, certificateKey, keyKey string) (*Pair, error) {
	certificates, err := decodeCertificates(data[certificateKey], 1)
	if err != nil {
		return nil, fmt.Errorf("data key %q: %w", certificateKey, err)
	}
	key, err := decodeKey(data[keyKey])
	if err != nil {
		return nil, fmt.Errorf("data key %q: %w", keyKey, err)
	}
	if !key.PublicKey.Equal(certificates[0].PublicKey) {
		return nil, fmt.Errorf("data key %q: not the key of the certificate in %q", keyKey, certificateKey)
	}
	return &Pair{Certificate: certificates[0], key: key}, nil
}

func decodeRetired(data []byte) (*Retired, error) {
	if len(data) == 0 {
		return nil, nil
	}
	certificates, err := decodeCertificates(data, 2)
	if err != nil {
		return nil, err
	}
	retired := &Retired{Authority: certificates[0], LastServing: certificates[1]}
	if !isAuthority(retired.Authority) || retired.LastServing.CheckSignatureFrom(retired.Authority) != nil {
		return nil, errors.New("not an authority followed by a certificate that it signed")
	}
	return retired, nil
}

func decodeCertificates(data []byte, count int) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for range count {
		der, rest, err := decodeBlock(data, pemCertificate)
		if err != nil {
			return nil, err
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, errors.New("not a certificate")
		}
		certificates, data = append(certificates, certificate), rest
	}
	if len(data) > 0 {
		return nil, errors.New("something follows the PEM blocks that belong there")
	}
	return certificates, nil
}

func decodeKey(data []byte) (*ecdsa.PrivateKey, error) {
	der, rest, err := decodeBlock(data, pemPrivateKey)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, errors.New("something follows the PEM block")
	}
	// What the parser would say could quote the key.
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("not a private key in PKCS #8")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("not a key on P-256")
	}
	return key, nil
}

// decodeBlock takes the PEM block off that data begins with, written as Encode writes it. The PEM
// reader alone would skip whatever stands before or is damaged.
func decodeBlock(data []byte, kind string) (der, rest []byte, err error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != kind || len(block.Headers) > 0 || !bytes.HasPrefix(data, pem.EncodeToMemory(block)) {
		return nil, nil, fmt.Errorf("not a PEM block of type %q", kind)
	}
	return block.Bytes, rest, nil
}
