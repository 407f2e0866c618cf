package tokens

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// FuzzVerify holds that whatever Verify accepts is what Sign writes: there is
// no second spelling of a token.
func FuzzVerify(f *testing.F) {
	ring := testRing(f)
	for _, access := range accesses() {
		token, err := Sign(testSigner(f, ring, keys.ES256), access)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(token)
	}
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		access, keyID, err := Verify(ring, token)
		if err != nil {
			return
		}
		key, ok := ring.SigningKey(keyID)
		if !ok {
			t.Fatalf("verified with key %q, which is not published", keyID)
		}
		if again, err := Sign(key, access); err != nil || again != token {
			t.Errorf("accepted %q, which would be written as %q (%v)", token, again, err)
		}
	})
}

// FuzzReadClaims looks behind the signature, where FuzzVerify hardly gets.
func FuzzReadClaims(f *testing.F) {
	for _, access := range accesses() {
		f.Add(string(appendClaims(nil, access)), access.Dialect == Wazo)
	}
	f.Fuzz(func(t *testing.T, claims string, wazo bool) {
		dialect := OAuth2
		if wazo {
			dialect = Wazo
		}
		access, ok := readClaims(claims, dialect)
		if !ok || access.check() != nil {
			return
		}
		if again := string(appendClaims(nil, access)); again != claims {
			t.Errorf("accepted %q, which would be written as %q", claims, again)
		}
		if !json.Valid([]byte(claims)) {
			t.Errorf("accepted %q, which is not JSON", claims)
		}
	})
}

// FuzzReadSession does the same for the record of a session.
func FuzzReadSession(f *testing.F) {
	for _, access := range accesses() {
		f.Add(string(appendSession(access)))
	}
	f.Fuzz(func(t *testing.T, record string) {
		access, ok := readSession(record)
		if !ok || access.check() != nil {
			return
		}
		if again := string(appendSession(access)); again != record {
			t.Errorf("accepted %q, which would be written as %q", record, again)
		}
	})
}

// FuzzText compares the hand-written strings with the standard library's.
func FuzzText(f *testing.F) {
	for _, text := range []string{"", "a", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028😀<>&", "\\u0041"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		written := string(appendText(nil, text))
		if !utf8.ValidString(text) {
			return
		}
		var standard string
		if err := json.Unmarshal([]byte(written), &standard); err != nil || standard != text {
			t.Errorf("encoding/json reads %q as %q (%v)", written, standard, err)
		}
		c := newCursor(written)
		if own := c.text(); !c.end() || own != text {
			t.Errorf("read %q as %q", written, own)
		}
	})
}

// FuzzParseRefresh holds that a refresh token, too, has one spelling.
func FuzzParseRefresh(f *testing.F) {
	ring := testRing(f)
	token, err := Refresh{GrantID: testGrant, Epoch: 1, Generation: 2, KeyVersion: 1}.Encode(ring)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add(strings.Repeat(".", 4))
	f.Fuzz(func(t *testing.T, token string) {
		refresh, err := ParseRefresh(ring, token)
		if err != nil {
			return
		}
		if again, err := refresh.Encode(ring); err != nil || again != token {
			t.Errorf("accepted %q, which would be written as %q (%v)", token, again, err)
		}
	})
}

// FuzzParseRefreshFields looks behind the MAC.
func FuzzParseRefreshFields(f *testing.F) {
	ring := testRing(f)
	f.Add(testGrant + ".1.2.1")
	f.Add(testGrant + ".1.2.1.team-b")
	f.Fuzz(func(t *testing.T, fields string) {
		refresh, ok := parseRefreshFields(fields)
		if !ok {
			return
		}
		mac, err := ring.RefreshMAC(refresh.KeyVersion, testNamespace, fields)
		if err != nil {
			return
		}
		want := fields + "." + string(compact.AppendEncode(nil, mac))
		if again, err := refresh.Encode(ring); err != nil || again != want {
			t.Errorf("accepted %q, which would be written as %q (%v)", want, again, err)
		}
	})
}
