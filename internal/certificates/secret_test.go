package certificates

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rotating returns the data of a bundle in the middle of a change: every data key is there.
func rotating(t *testing.T) (*Bundle, map[string][]byte) {
	t.Helper()
	b := settle(t, AuthorityLifetime/3*2, AuthorityLifetime-ServingLifetime-day, AuthorityLifetime-ServingLifetime)
	b.Next = settle(t).Authority
	return b, encode(t, b)
}

func encode(t *testing.T, b *Bundle) map[string][]byte {
	t.Helper()
	data, err := Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	_, full := rotating(t)
	tests := map[string]struct {
		data map[string][]byte
		keys []string
	}{
		"a bundle that was just made": {
			data: encode(t, settle(t)),
			keys: []string{"authority.crt", "authority.key", "ca.crt", "tls.crt", "tls.key"},
		},
		"a bundle in the middle of a change": {
			data: full,
			keys: []string{"authority.crt", "authority.key", "ca.crt", "next-authority.crt", "next-authority.key", "retired-authority.crt", "tls.crt", "tls.key"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.keys, slices.Sorted(maps.Keys(tc.data))); diff != "" {
				t.Errorf("data keys (-want +got):\n%s", diff)
			}
			b, err := Decode(tc.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.data, encode(t, b)); diff != "" {
				t.Errorf("after Decode and Encode (-want +got):\n%s", diff)
			}
			if _, err := tls.X509KeyPair(tc.data[DataServingCertificate], tc.data[DataServingKey]); err != nil {
				t.Errorf("as a kubernetes.io/tls Secret: %v", err)
			}
		})
	}
}

func TestTrustedHoldsEveryPublishedAuthority(t *testing.T) {
	t.Parallel()
	b, data := rotating(t)
	certificates, err := decodeCertificates(data[DataTrusted], 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, published := range []*x509.Certificate{b.Authority.Certificate, b.Next.Certificate, b.Retired.Authority} {
		if !certificates[i].Equal(published) {
			t.Errorf("certificate %d of the bundle is %s", i, certificates[i].Subject)
		}
	}
}

func TestDecodeIgnoresTheDerivedBundle(t *testing.T) {
	t.Parallel()
	_, data := rotating(t)
	data[DataTrusted] = []byte("edited")
	if _, err := Decode(data); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	_, other := rotating(t)
	tests := map[string]struct {
		change func(data map[string][]byte)
		want   string
	}{
		"a data key it does not know":                {func(d map[string][]byte) { d["authority.pem"] = nil }, `data key "authority.pem" is unknown`},
		"a missing authority":                        {func(d map[string][]byte) { delete(d, "authority.crt") }, `data key "authority.crt": not a PEM block of type "CERTIFICATE"`},
		"a missing key of the authority":             {func(d map[string][]byte) { delete(d, "authority.key") }, `data key "authority.key": not a PEM block of type "PRIVATE KEY"`},
		"a missing serving certificate":              {func(d map[string][]byte) { delete(d, "tls.crt") }, `data key "tls.crt": not a PEM block of type "CERTIFICATE"`},
		"a successor without its key":                {func(d map[string][]byte) { delete(d, "next-authority.key") }, `data key "next-authority.key": not a PEM block of type "PRIVATE KEY"`},
		"a key without its successor":                {func(d map[string][]byte) { delete(d, "next-authority.crt") }, `data key "next-authority.crt": not a PEM block of type "CERTIFICATE"`},
		"the key of another certificate":             {func(d map[string][]byte) { d["authority.key"] = d["tls.key"] }, `data key "authority.key": not the key of the certificate in "authority.crt"`},
		"a serving certificate as authority":         {func(d map[string][]byte) { d["authority.crt"], d["authority.key"] = d["tls.crt"], d["tls.key"] }, `data key "authority.crt": not an authority that may sign`},
		"a serving certificate of another authority": {func(d map[string][]byte) { d["tls.crt"], d["tls.key"] = other["tls.crt"], other["tls.key"] }, `data key "tls.crt": not signed by the authority in "authority.crt"`},
		"a certificate where a key belongs":          {func(d map[string][]byte) { d["tls.key"] = d["tls.crt"] }, `data key "tls.key": not a PEM block of type "PRIVATE KEY"`},
		"bytes that are no certificate":              {func(d map[string][]byte) { d["tls.crt"] = block(pemCertificate, []byte("x")) }, `data key "tls.crt": not a certificate`},
		"bytes that are no key":                      {func(d map[string][]byte) { d["tls.key"] = block(pemPrivateKey, []byte("x")) }, `data key "tls.key": not a private key in PKCS #8`},
		"a key on another curve":                     {func(d map[string][]byte) { d["tls.key"] = p384(t) }, `data key "tls.key": not a key on P-256`},
		"something after a certificate":              {func(d map[string][]byte) { d["tls.crt"] = append(d["tls.crt"], '\n') }, `data key "tls.crt": something follows the PEM blocks that belong there`},
		"something after a key":                      {func(d map[string][]byte) { d["tls.key"] = append(d["tls.key"], d["tls.key"]...) }, `data key "tls.key": something follows the PEM block`},
		"something before a certificate":             {func(d map[string][]byte) { d["tls.crt"] = append([]byte("\n"), d["tls.crt"]...) }, `data key "tls.crt": not a PEM block of type "CERTIFICATE"`},
		"a PEM block with headers":                   {func(d map[string][]byte) { d["tls.crt"] = withHeader(d["tls.crt"]) }, `data key "tls.crt": not a PEM block of type "CERTIFICATE"`},
		"a retired authority without what it signed": {func(d map[string][]byte) { d["retired-authority.crt"] = d["authority.crt"] }, `data key "retired-authority.crt": not a PEM block of type "CERTIFICATE"`},
		"a retired authority with what it did not sign": {func(d map[string][]byte) {
			d["retired-authority.crt"] = slices.Concat(d["authority.crt"], other["tls.crt"])
		}, `data key "retired-authority.crt": not an authority followed by a certificate that it signed`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, data := rotating(t)
			tc.change(data)
			_, err := Decode(data)
			if err == nil {
				t.Fatal("Decode accepted it")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPairsPrintNoKey(t *testing.T) {
	t.Parallel()
	pair := settle(t).Authority
	scalar, err := pair.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(pair)
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Join([]string{fmt.Sprintf("%v %+v %#v %+v", pair, pair, *pair, []any{*pair}), string(asJSON)}, "\n")
	for _, form := range []string{fmt.Sprintf("%x", scalar), pair.key.D.String(), fmt.Sprint(scalar)} { //nolint:staticcheck // D is how fmt would print it.
		if strings.Contains(printed, form) {
			t.Errorf("the key is printed: %s", printed)
		}
	}
}

func block(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

func withHeader(data []byte) []byte {
	return bytes.Replace(data, []byte("-----\n"), []byte("-----\nProc-Type: 4,ENCRYPTED\n\n"), 1)
}

func p384(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block(pemPrivateKey, der)
}
