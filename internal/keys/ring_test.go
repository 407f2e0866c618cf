package keys

import (
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var testTenant = Tenant{Namespace: "team-a", UID: "uid-1", Issuer: "https://auth.example.com/t/team-a"}

func TestGenerate(t *testing.T) {
	t.Parallel()
	now := testNow.Add(123 * time.Millisecond).In(time.FixedZone("", 7200))
	ring, err := Generate(rand.Reader, now, testTenant, []Algorithm{ES256, RS256})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testTenant, ring.Tenant()); diff != "" {
		t.Errorf("tenant (-want +got):\n%s", diff)
	}
	type key struct {
		Algorithm Algorithm
		State     KeyState
	}
	var got []key
	for _, k := range ring.signing {
		got = append(got, key{k.Algorithm, k.State})
		if k.CreatedAt != testNow {
			t.Errorf("key created at %v, want %v", k.CreatedAt, testNow)
		}
	}
	want := []key{{ES256, Current}, {ES256, Standby}, {RS256, Current}, {RS256, Standby}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signing keys (-want +got):\n%s", diff)
	}
	if _, err := ring.Signer(EdDSA); err == nil {
		t.Error("there is a key for an algorithm that nobody asked for")
	}
	secrets := map[[keySize]byte]bool{}
	for _, list := range [][]symmetric{ring.refresh, ring.record, ring.sealing} {
		if len(list) != 1 || list[0].version != 1 || list[0].createdAt != testNow {
			t.Errorf("symmetric keys: %d, the first of version %d made at %v", len(list), list[0].version, list[0].createdAt)
		}
		secrets[list[0].secret] = true
	}
	if len(secrets) != 3 || secrets[[keySize]byte{}] {
		t.Error("the symmetric keys are not three different ones")
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tenant Tenant
		algs   []Algorithm
	}{
		"no algorithm":         {testTenant, nil},
		"an unknown algorithm": {testTenant, []Algorithm{"HS256"}},
		"an algorithm twice":   {testTenant, []Algorithm{ES256, ES256}},
		"no namespace":         {Tenant{UID: "u", Issuer: "i"}, []Algorithm{ES256}},
		"no uid":               {Tenant{Namespace: "n", Issuer: "i"}, []Algorithm{ES256}},
		"no issuer":            {Tenant{Namespace: "n", UID: "u"}, []Algorithm{ES256}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if ring, err := Generate(rand.Reader, testNow, tc.tenant, tc.algs); err == nil {
				t.Errorf("generated %v", ring)
			}
		})
	}
	broken := errors.New("no randomness")
	if _, err := Generate(iotest.ErrReader(broken), testNow, testTenant, []Algorithm{ES256}); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if _, err := Generate(iotest.ErrReader(broken), testNow, testTenant, []Algorithm{EdDSA}); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestStatesDecideWhatAKeyMayDo(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	for _, key := range ring.signing {
		if _, found := ring.SigningKey(key.ID); found != (key.State != Revoked) {
			t.Errorf("%v: found %v", key, found)
		}
		if signs := testSigner(t, ring, key.Algorithm) == key; signs != (key.State == Current) {
			t.Errorf("%v: signs %v", key, signs)
		}
	}
	if _, found := ring.SigningKey("unknown"); found {
		t.Error("a key that is not there was found")
	}
}

func BenchmarkDecode(b *testing.B) {
	document := testDocument(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(document); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenID(b *testing.B) {
	ring := testRing(b)
	b.ReportAllocs()
	for b.Loop() {
		ring.TokenID(testGrant, 1, testNow, [32]byte{})
	}
}
