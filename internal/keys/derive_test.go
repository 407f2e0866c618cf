package keys

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestDerivedValuesAreFinal(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	inputs := sha256.Sum256([]byte("inputs"))
	mac, err := ring.RefreshMAC(1, "team-a", "fields")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"token-id":             ring.TokenID(testGrant, 1, testNow, inputs),
		"reference-token":      ring.ReferenceToken(testGrant, 1, testNow, inputs),
		"credential-version":   ring.CredentialVersion(testSubject, []byte("hunter2")),
		"hash-version":         ring.HashVersion(testSubject, []byte("hunter2")),
		"login-digest":         strconv.FormatUint(ring.LoginDigest("alice"), 10),
		"generated-credential": ring.GeneratedCredential("password", testSubject, testNow, 100).Reveal(),
		"refresh-mac":          hex.EncodeToString(mac),
	} {
		golden.Compare(t, name, []byte(got))
	}
}

// TestDerivationIsAsDocumented computes each value again from doc.go alone.
func TestDerivationIsAsDocumented(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	inputs := sha256.Sum256([]byte("inputs"))
	newest := ring.record[1].secret[:] // version 2 stands last in the fixture
	shape := func(sum []byte, version byte) string {
		sum[6], sum[8] = sum[6]&0x0f|version<<4, sum[8]&0x3f|0x80
		return uuid.UUID(sum[:16]).String()
	}
	sum := documentedMAC(t, newest, "token-id", testGrant, "7", "1767323045", string(inputs[:]))
	if got, want := ring.TokenID(testGrant, 7, testNow, inputs), shape(sum, 8); got != want {
		t.Errorf("TokenID: %q, want %q", got, want)
	}
	sum = documentedMAC(t, newest, "reference-token", testGrant, "7", "1767323045", string(inputs[:]))
	if got, want := ring.ReferenceToken(testGrant, 7, testNow, inputs), shape(sum, 4); got != want {
		t.Errorf("ReferenceToken: %q, want %q", got, want)
	}
	sum = documentedMAC(t, newest, "credential-version", testSubject, "hunter2")
	want := base64.RawURLEncoding.EncodeToString(sum[:8])
	if got := ring.CredentialVersion(testSubject, []byte("hunter2")); got != want {
		t.Errorf("CredentialVersion: %q, want %q", got, want)
	}
	sum = documentedMAC(t, newest, "credential-version", testSubject, "hash", "hunter2")
	want = base64.RawURLEncoding.EncodeToString(sum[:8])
	if got := ring.HashVersion(testSubject, []byte("hunter2")); got != want {
		t.Errorf("HashVersion: %q, want %q", got, want)
	}
	digest := binary.BigEndian.Uint64(documentedMAC(t, newest, "login-digest", "alice"))
	if got := ring.LoginDigest("alice"); got != digest {
		t.Errorf("LoginDigest: %d, want %d", got, digest)
	}
	for version := range int32(2) {
		got, err := ring.RefreshMAC(version+1, "team-a", "fields")
		if err != nil {
			t.Fatal(err)
		}
		want := documentedMAC(t, ring.refresh[version].secret[:], "refresh-token", "team-a", "fields")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("RefreshMAC of version %d (-want +got):\n%s", version+1, diff)
		}
	}
}

func documentedMAC(t *testing.T, kept []byte, purpose string, parts ...string) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, kept, nil, "grantkeeper.dev/v1/"+purpose, 32)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		if err := binary.Write(h, binary.BigEndian, uint64(len(part))); err != nil {
			t.Fatal(err)
		}
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func TestEveryInputOfAGrantsTokenCounts(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	inputs := sha256.Sum256([]byte("inputs"))
	for method, derive := range map[string]func(string, int64, time.Time, [32]byte) string{
		"TokenID": ring.TokenID, "ReferenceToken": ring.ReferenceToken,
	} {
		same := derive(testGrant, 1, testNow, inputs)
		if got := derive(testGrant, 1, testNow.Add(999*time.Millisecond).Local(), inputs); got != same {
			t.Errorf("%s: a fraction of a second or a zone makes %q of %q", method, got, same)
		}
		for name, got := range map[string]string{
			"grant":  derive(testSubject, 1, testNow, inputs),
			"epoch":  derive(testGrant, 11, testNow, inputs),
			"second": derive(testGrant, 1, testNow.Add(time.Second), inputs),
			"inputs": derive(testGrant, 1, testNow, [32]byte{}),
		} {
			if got == same {
				t.Errorf("%s does not depend on the %s", method, name)
			}
		}
	}
}

func TestCredentialVersionFollowsUserAndPassword(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	version := ring.CredentialVersion(testSubject, []byte("hunter2"))
	if len(version) != 11 {
		t.Errorf("%q has %d characters, want the 11 of 8 bytes", version, len(version))
	}
	if version == ring.CredentialVersion(testGrant, []byte("hunter2")) {
		t.Error("two users with one password have the same version")
	}
	if version == ring.CredentialVersion(testSubject, []byte("hunter3")) {
		t.Error("another password has the same version")
	}
	ofHash := ring.HashVersion(testSubject, []byte("hunter2"))
	if ofHash == version || len(ofHash) != len(version) {
		t.Errorf("a hash has the version %q, want another one than the password that reads like it, %q", ofHash, version)
	}
	if ofHash == ring.HashVersion(testSubject, []byte("hunter3")) || ofHash == ring.HashVersion(testGrant, []byte("hunter2")) {
		t.Error("another hash, or another user with it, has the same version")
	}
}

func TestLoginDigestsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	const logins, parts = 10000, 10
	var counts [parts]int
	for i := range logins {
		counts[ring.LoginDigest("user-"+strconv.Itoa(i))/(math.MaxUint64/parts+1)]++
	}
	for part, count := range counts {
		if count < logins/parts*8/10 || count > logins/parts*12/10 {
			t.Errorf("part %d has %d of %d logins, want about %d", part, count, logins, logins/parts)
		}
	}
}

func TestGeneratedCredentials(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	generate := func(kind, id string, at time.Time, length int) string {
		return ring.GeneratedCredential(kind, id, at, length).Reveal()
	}
	same := generate("password", testSubject, testNow, 32)
	if again := generate("password", testSubject, testNow.Add(time.Millisecond), 32); again != same {
		t.Errorf("%q the second time, %q the first", again, same)
	}
	for name, got := range map[string]string{
		"kind":   generate("client", testSubject, testNow, 32),
		"id":     generate("password", testGrant, testNow, 32),
		"second": generate("password", testSubject, testNow.Add(time.Second), 32),
		"length": generate("password", testSubject, testNow, 64)[:32],
	} {
		if got == same {
			t.Errorf("the credential does not depend on the %s", name)
		}
	}
	for _, length := range []int{0, 1, 31, 32, 33, 64, 1000} {
		if got := generate("password", testSubject, testNow, length); len(got) != length {
			t.Errorf("%d characters, want %d", len(got), length)
		}
	}
}

func TestGeneratedCredentialsUseTheirAlphabetEvenly(t *testing.T) {
	t.Parallel()
	const each = 1000
	text := testRing(t).GeneratedCredential("password", testSubject, testNow, 64*each).Reveal()
	for _, c := range credentialAlphabet {
		// Six standard deviations of a fair draw are 190.
		if count := strings.Count(text, string(c)); count < each-190 || count > each+190 {
			t.Errorf("%q stands %d times among %d characters, want about %d", c, count, len(text), each)
		}
	}
	if rest := strings.Trim(text, credentialAlphabet); rest != "" {
		t.Errorf("characters outside the alphabet: %q", rest)
	}
}

func TestRefreshMACKnowsItsVersions(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	if got := ring.NewestRefresh(); got != 2 {
		t.Errorf("newest version %d, want 2", got)
	}
	for _, version := range []int32{-1, 0, 3} {
		if mac, err := ring.RefreshMAC(version, "fields"); err == nil || mac != nil {
			t.Errorf("version %d: %x, %v", version, mac, err)
		}
	}
}

func TestDerivingIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	want := ring.CredentialVersion(testSubject, []byte("hunter2"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				ring.CredentialVersion(testGrant, []byte("another, longer password"))
				if got := ring.CredentialVersion(testSubject, []byte("hunter2")); got != want {
					t.Errorf("version %q, want %q", got, want)
				}
			}
		})
	}
	group.Wait()
}

func TestDerivingATokenIDAllocatesLittle(t *testing.T) {
	ring := testRing(t)
	got := testing.AllocsPerRun(100, func() { ring.TokenID(testGrant, 1, testNow, [32]byte{}) })
	// Two in fact, the second in decimal and the UUID; the race detector makes
	// sync.Pool forget now and then. Without the pool it would be 10.
	if got > 6 {
		t.Errorf("%v allocations, want at most 6", got)
	}
}
