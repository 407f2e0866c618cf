package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestSealedBytesAreFinal(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	sealed, err := ring.SealSession(zeroes{}, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "sealed-session", []byte(hex.EncodeToString(sealed)))
}

// TestTheSealIsAsDocumented opens a seal by what doc.go says alone.
func TestTheSealIsAsDocumented(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	sealed, err := ring.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte{1, 0, 0, 0, 2}; !bytes.Equal(sealed[:5], want) {
		t.Fatalf("header %x, want %x", sealed[:5], want)
	}
	block, err := aes.NewCipher(documentedMAC(t, ring.record[1].secret[:], "session", "NAMESPACE", "name"))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	data := "\x00\x00\x00\x00\x00\x00\x00\x09NAMESPACE\x00\x00\x00\x00\x00\x00\x00\x04name"
	opened, err := aead.Open(nil, sealed[5:17], sealed[17:], []byte(data))
	if err != nil || string(opened) != "record" {
		t.Errorf("opened %q (%v)", opened, err)
	}
}

func TestASealOfAnOlderKeyStillOpens(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	older, err := (&Ring{
		tenant: ring.tenant, signing: ring.signing,
		refresh: ring.refresh, record: ring.record[:1], sealing: ring.sealing,
	}).prepare()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := older.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := ring.OpenSession("name", sealed); err != nil || string(opened) != "record" {
		t.Errorf("opened %q (%v)", opened, err)
	}
	newer, err := ring.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := older.OpenSession("name", newer); err == nil {
		t.Errorf("opened %q without its key", opened)
	}
}

func TestOpenSessionRefuses(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	sealed, err := ring.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := ring.OpenSession("eman", sealed); err == nil {
		t.Errorf("opened %q under another name", opened)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		if opened, err := ring.OpenSession("name", changed); err == nil {
			t.Errorf("opened %q with byte %d changed", opened, i)
		}
		if opened, err := ring.OpenSession("name", sealed[:i]); err == nil {
			t.Errorf("opened %q from %d bytes", opened, i)
		}
	}
	if opened, err := ring.OpenSession("name", append(sealed, 0)); err == nil {
		t.Errorf("opened %q with a byte more", opened)
	}
}

func TestSealingTwiceGivesOtherBytes(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	first, err := ring.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := ring.SealSession(rand.Reader, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, second) {
		t.Error("the nonce does not come from the reader")
	}
	broken := errors.New("no randomness")
	if _, err := ring.SealSession(iotest.ErrReader(broken), "name", nil); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}
