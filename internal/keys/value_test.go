package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func sealValue(t testing.TB, ring *Ring, purpose Purpose) []byte {
	t.Helper()
	value, err := ring.SealValue(rand.Reader, purpose, []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTheBytesOfAValueAreFinal(t *testing.T) {
	t.Parallel()
	value, err := testRing(t).SealValue(zeroes{}, AuthorizationCode, []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "sealed-value", []byte(hex.EncodeToString(value)))
}

// TestAValueIsSealedAsDocumented opens a value by what doc.go says alone.
func TestAValueIsSealedAsDocumented(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	newest := ring.sealing[len(ring.sealing)-1]
	for _, purpose := range purposes {
		value := sealValue(t, ring, purpose)
		if value[0] != 1 || binary.BigEndian.Uint32(value[1:]) != uint32(newest.version) {
			t.Fatalf("%s: header %x, want format 1 and version %d", purpose, value[:5], newest.version)
		}
		salt := string(value[5:21])
		block, err := aes.NewCipher(documentedMAC(t, newest.secret[:], string(purpose), "NAMESPACE", salt))
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			t.Fatal(err)
		}
		data := "\x00\x00\x00\x00\x00\x00\x00\x09NAMESPACE\x00\x00\x00\x00\x00\x00\x00\x10" + salt
		opened, err := aead.Open(nil, value[21:33], value[33:], []byte(data))
		if err != nil || string(opened) != "record" {
			t.Errorf("%s: opened %q (%v)", purpose, opened, err)
		}
	}
}

func TestOpenValueRefuses(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	value := sealValue(t, ring, AuthorizationCode)
	if opened, err := ring.OpenValue(AuthorizationCode, value); err != nil || string(opened) != "record" {
		t.Fatalf("opened %q (%v)", opened, err)
	}
	if opened, err := ring.OpenValue(BrowserSession, value); err == nil {
		t.Errorf("opened %q for another purpose", opened)
	}
	if opened, err := ring.OpenValue("made up", value); err == nil {
		t.Errorf("opened %q for no purpose", opened)
	}
	for i := range value {
		changed := bytes.Clone(value)
		changed[i] ^= 0x80
		if opened, err := ring.OpenValue(AuthorizationCode, changed); err == nil {
			t.Errorf("opened %q with byte %d changed", opened, i)
		}
		if opened, err := ring.OpenValue(AuthorizationCode, value[:i]); err == nil {
			t.Errorf("opened %q from %d bytes", opened, i)
		}
	}
	other, err := ring.withTenant(Tenant{Namespace: "other", UID: "UID", Issuer: "ISSUER"})
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := other.OpenValue(AuthorizationCode, value); err == nil {
		t.Errorf("opened %q in another tenant with the same keys", opened)
	}
	revoked, err := ring.Revoke(rand.Reader, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := revoked.OpenValue(AuthorizationCode, value); err == nil {
		t.Errorf("opened %q after an emergency", opened)
	}
}

func TestAValueNeedsRandomness(t *testing.T) {
	t.Parallel()
	broken := errors.New("no randomness")
	for name, random := range map[string]*bytes.Reader{"no salt": bytes.NewReader(make([]byte, 15)), "no nonce": bytes.NewReader(make([]byte, 20))} {
		_, err := testRing(t).SealValue(io.MultiReader(random, iotest.ErrReader(broken)), BrowserSession, nil)
		if !errors.Is(err, broken) {
			t.Errorf("%s: error %v, want %v", name, err, broken)
		}
	}
}

func TestAFormTokenIsOfOneBrowserActionAndRequest(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	mine := ring.FormToken("browser", "login", "request")
	if again := ring.FormToken("browser", "login", "request"); again != mine {
		t.Errorf("%q, and then %q", mine, again)
	}
	for name, other := range map[string]string{
		"another browser": ring.FormToken("browser2", "login", "request"),
		"another action":  ring.FormToken("browser", "consent", "request"),
		"another request": ring.FormToken("browser", "login", "request2"),
		"shifted":         ring.FormToken("browserlogin", "", "request"),
	} {
		if other == mine {
			t.Errorf("%s has the same token", name)
		}
	}
}

// FuzzOpenValue holds that nothing opens but what was sealed.
func FuzzOpenValue(f *testing.F) {
	ring := testRing(f)
	genuine, err := ring.SealValue(zeroes{}, BrowserSession, []byte("record")) // the same in every process
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(genuine[:32])
	f.Add(append(bytes.Clone(genuine), 0))
	f.Fuzz(func(t *testing.T, value []byte) {
		if opened, err := ring.OpenValue(BrowserSession, value); err == nil && !bytes.Equal(value, genuine) {
			t.Errorf("opened %q", opened)
		}
	})
}
