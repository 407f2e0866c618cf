package tokens

import (
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

func BenchmarkSignES256(b *testing.B) { benchmarkSign(b, keys.ES256) }
func BenchmarkSignRS256(b *testing.B) { benchmarkSign(b, keys.RS256) }
func BenchmarkSignEdDSA(b *testing.B) { benchmarkSign(b, keys.EdDSA) }

func benchmarkSign(b *testing.B, alg keys.Algorithm) {
	b.Helper()
	key, access := testSigner(b, testRing(b), alg), oauth2Access()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign(key, access); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyES256(b *testing.B) { benchmarkVerify(b, keys.ES256) }
func BenchmarkVerifyRS256(b *testing.B) { benchmarkVerify(b, keys.RS256) }
func BenchmarkVerifyEdDSA(b *testing.B) { benchmarkVerify(b, keys.EdDSA) }

func benchmarkVerify(b *testing.B, alg keys.Algorithm) {
	b.Helper()
	ring := testRing(b)
	token, err := Sign(testSigner(b, ring, alg), oauth2Access())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Verify(ring, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseRefresh(b *testing.B) {
	ring := testRing(b)
	token, err := Refresh{GrantID: testGrant, Epoch: 1, KeyVersion: ring.NewestRefresh()}.Encode(ring)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseRefresh(ring, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenSession(b *testing.B) {
	ring := testRing(b)
	name, sealed, err := SealSession(zeroes{}, ring, testSession, wazoAccess())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := OpenSession(ring, name, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
