package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

var allAlgorithms = []Algorithm{ES256, RS256, EdDSA}

func TestES256FollowsRFC6979(t *testing.T) {
	t.Parallel()
	// RFC 6979 appendix A.2.5, P-256 with SHA-256.
	scalar := unhex(t, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	key, err := newSigningKey(ES256, Current, testNow, pkcs8(t, private))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"sample": "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716" +
			"F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
		"test": "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367" +
			"019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
	}
	for message, want := range tests {
		got, err := key.Sign([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.EqualFold(hex.EncodeToString(got), want) {
			t.Errorf("signature of %q: %X, want %s", message, got, want)
		}
	}
}

func TestKeyIDFollowsRFC7638(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ jwk, want string }{
		"the RSA key of RFC 7638 section 3.1": {
			jwk: `{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L` +
				`6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368Q` +
				`QMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINH` +
				`aQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`,
			want: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		},
		"the Ed25519 key of RFC 8037 appendix A.3": {
			jwk:  `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			want: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var jwk jose.JSONWebKey
			if err := json.Unmarshal([]byte(tc.jwk), &jwk); err != nil {
				t.Fatal(err)
			}
			if got, err := thumbprint(jwk.Key); err != nil || got != tc.want {
				t.Errorf("thumbprint: %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestSignaturesVerifyOnlyAsTheyAre(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for _, alg := range allAlgorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			key := testSigner(t, ring, alg)
			signature, err := key.Sign([]byte("message"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := key.Sign([]byte("message"))
			if err != nil || string(again) != string(signature) {
				t.Errorf("the second signature differs from the first (%v)", err)
			}
			if !key.Verify([]byte("message"), signature) {
				t.Error("the signature does not verify")
			}
			refused := map[string]bool{
				"another message":      key.Verify([]byte("massage"), signature),
				"a byte less":          key.Verify([]byte("message"), signature[:len(signature)-1]),
				"a byte more":          key.Verify([]byte("message"), append(signature, 0)),
				"a zero byte in front": key.Verify([]byte("message"), append([]byte{0}, signature...)),
				"no signature":         key.Verify([]byte("message"), nil),
				"zeroes":               key.Verify([]byte("message"), make([]byte, len(signature))),
			}
			for i := range signature {
				changed := append([]byte{}, signature...)
				changed[i] ^= 0x10
				refused[fmt.Sprintf("a changed byte %d", i)] = key.Verify([]byte("message"), changed)
			}
			for _, other := range allAlgorithms {
				if other != alg {
					refused["a key for "+string(other)] = testSigner(t, ring, other).Verify([]byte("message"), signature)
				}
			}
			for name, verified := range refused {
				if verified {
					t.Errorf("%s verifies", name)
				}
			}
		})
	}
}

func TestES256TakesNoASN1(t *testing.T) {
	t.Parallel()
	key := testSigner(t, testRing(t), ES256)
	signature, err := key.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if key.Verify([]byte("message"), appendDER(nil, signature)) {
		t.Error("a signature in DER verifies")
	}
}

func TestAKeyIsRefusedForAnotherAlgorithm(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ring := testRing(t)
	ders := map[string][]byte{
		"an EC key on P-384":     pkcs8(t, p384),
		"an RSA key of 1024 bit": pkcs8(t, small),
		"an EC key on P-256":     testSigner(t, ring, ES256).der,
		"an RSA key":             testSigner(t, ring, RS256).der,
		"an Ed25519 key":         testSigner(t, ring, EdDSA).der,
		"no key":                 nil,
		"bytes that are no key":  []byte("secret"),
	}
	fits := map[string]Algorithm{"an EC key on P-256": ES256, "an RSA key": RS256, "an Ed25519 key": EdDSA}
	for name, der := range ders {
		for _, alg := range append([]Algorithm{"none", "HS256"}, allAlgorithms...) {
			_, err := newSigningKey(alg, Current, testNow, der)
			if want := fits[name] == alg; want != (err == nil) {
				t.Errorf("%s for %q: error %v", name, alg, err)
			}
		}
	}
}

// FuzzDER compares the ASN.1 written by hand with encoding/asn1's.
func FuzzDER(f *testing.F) {
	f.Add(make([]byte, 64))
	f.Add([]byte(strings.Repeat("\xff", 64)))
	f.Add([]byte(strings.Repeat("\x00", 31) + "\x80" + "\x00\x7f" + strings.Repeat("\x00", 30)))
	f.Fuzz(func(t *testing.T, fixed []byte) {
		if len(fixed) != 64 {
			return
		}
		got := appendDER(nil, fixed)
		want, err := asn1.Marshal(struct{ R, S *big.Int }{
			new(big.Int).SetBytes(fixed[:32]), new(big.Int).SetBytes(fixed[32:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("DER of %x: %x, want %x", fixed, got, want)
		}
		if len(got) > derSize {
			t.Errorf("DER of %x has %d bytes, more than %d", fixed, len(got), derSize)
		}
		back, err := fixedFromDER(got)
		if err != nil || string(back) != string(fixed) {
			t.Errorf("read back %x as %x (%v)", fixed, back, err)
		}
	})
}

func TestFixedFromDERRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"nothing":                   "",
		"no sequence":               "020101",
		"one integer":               "3003020101",
		"three integers":            "3009020101020101020101",
		"something after":           "300602010102010100",
		"an integer of 33 bytes":    "3026" + "0221" + strings.Repeat("01", 33) + "020101",
		"a second one of 34 bytes":  "3027" + "020101" + "0222" + "00" + strings.Repeat("ff", 33),
		"a string for an integer":   "3006040101020101",
		"a sequence with a gap":     "3007020101020101",
		"an indefinite length":      "3080020101020101",
		"an integer that is longer": "300602020102",
	}
	for name, der := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := fixedFromDER(unhex(t, der)); err == nil {
				t.Errorf("read as %x", got)
			}
		})
	}
}

func TestPrintingShowsNoKey(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	key := testSigner(t, ring, ES256)
	scalar, err := key.private.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{new(big.Int).SetBytes(scalar).String()}
	for _, secret := range [][]byte{scalar, key.der, ring.record[0].secret[:], ring.newest.tokenID.secret} {
		secrets = append(secrets, hex.EncodeToString(secret), fmt.Sprintf("%d", secret))
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{key, *key, ring, *ring} {
			text := fmt.Sprintf(verb, value)
			asJSON, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(string(asJSON), secret) {
					t.Errorf("%s of %T holds a key: %s", verb, value, text)
				}
			}
			if !strings.HasPrefix(text, "SigningKey(") && !strings.HasPrefix(text, "Ring(") {
				t.Errorf("%s of %T: %s", verb, value, text)
			}
		}
	}
}

func pkcs8(t *testing.T, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
