package tokens

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/golden"
)

const testReference = "0d0f8c1e-6a2b-4c3d-9e4f-5a6b7c8d9e0f"

// zeroes is a source of randomness for golden files.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestSealedSessionsAreFinalAndReadBack(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	all := accesses()
	all["wazo-mobile"] = wazoAccess(func(a *Access) {
		a.Mobile, a.UserAgent, a.RemoteAddress = true, "phone/\"1\"", "2001:db8::1"
	})
	for name, access := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object, sealed, err := SealSession(zeroes{}, ring, testReference, access)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "session-"+name, []byte(object+"\n"+string(appendSession(access))+"\n"+hex.EncodeToString(sealed)))
			got, err := OpenSession(ring, object, sealed)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(access, got); diff != "" {
				t.Errorf("(-sealed +opened):\n%s", diff)
			}
		})
	}
}

func TestOpenSessionRefuses(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	name, sealed, err := SealSession(zeroes{}, ring, testReference, wazoAccess())
	if err != nil {
		t.Fatal(err)
	}
	flip := func(i int) []byte {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		return changed
	}
	seal := func(record string) []byte {
		sealed, err := ring.SealSession(zeroes{}, name, []byte(record))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	record := string(appendSession(wazoAccess()))
	tests := map[string]struct {
		ring   *keys.Ring
		name   string
		sealed []byte
		want   error
	}{
		"another name":                 {ring, SessionName(testSession), sealed, ErrSignature},
		"another namespace":            {keystest.Ring(t, "team-b", testIssuer), name, sealed, ErrSignature},
		"another issuer":               {keystest.Ring(t, testNamespace, "https://auth.example.com"), name, sealed, ErrIssuer},
		"another format":               {ring, name, flip(0), ErrSignature},
		"another version of the key":   {ring, name, flip(4), ErrSignature},
		"another nonce":                {ring, name, flip(5), ErrSignature},
		"a changed record":             {ring, name, flip(17), ErrSignature},
		"a changed tag":                {ring, name, flip(len(sealed) - 1), ErrSignature},
		"a record cut short":           {ring, name, sealed[:len(sealed)-1], ErrSignature},
		"nothing":                      {ring, name, nil, ErrSignature},
		"a header alone":               {ring, name, sealed[:17], ErrSignature},
		"an empty record":              {ring, name, seal(""), ErrMalformed},
		"an unknown dialect":           {ring, name, seal(strings.Replace(record, "wazo", "saml", 1)), ErrMalformed},
		"the other dialect":            {ring, name, seal(strings.Replace(record, "wazo", "oauth2", 1)), ErrMalformed},
		"an unknown member":            {ring, name, seal(strings.TrimSuffix(record, "}") + `,"x":1}`), ErrMalformed},
		"a login that is not mobile":   {ring, name, seal(strings.TrimSuffix(record, "}") + `,"mobile":false}`), ErrMalformed},
		"something after the record":   {ring, name, seal(record + " "), ErrMalformed},
		"a record that is a JWT claim": {ring, name, seal(string(appendClaims(nil, wazoAccess()))), ErrMalformed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := OpenSession(tc.ring, tc.name, tc.sealed); got != nil || !errors.Is(err, tc.want) {
				t.Errorf("OpenSession: %+v, %v; want error %v", got, err, tc.want)
			}
		})
	}
}

func TestSealSessionRefuses(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	broken := errors.New("no randomness")
	if _, _, err := SealSession(iotest.ErrReader(broken), ring, testReference, wazoAccess()); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	tests := map[string]*Access{
		"a session without a subject": wazoAccess(func(a *Access) { a.Subject = "" }),
		"a user agent not in UTF-8":   wazoAccess(func(a *Access) { a.UserAgent = "\xff" }),
	}
	for name, access := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := SealSession(zeroes{}, ring, testReference, access); err == nil {
				t.Error("sealed")
			}
		})
	}
}

func TestTheObjectGivesAwayNeitherTokenNorUser(t *testing.T) {
	t.Parallel()
	access := wazoAccess()
	name, sealed, err := SealSession(zeroes{}, testRing(t), testReference, access)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{testReference, access.Subject, access.ID, "confd"} {
		if strings.Contains(name, secret) || bytes.Contains(sealed, []byte(secret)) {
			t.Errorf("the object shows %q", secret)
		}
	}
}
