package tokens

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/golden"
)

func fullCode(mods ...func(*Code)) *Code {
	c := &Code{
		ID: testSession, ClientID: "app", RedirectURI: "https://app.example.com/cb?a=\"b\"", RedirectSent: true,
		Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		Scopes:    []string{"orders:read", "profile"}, Audiences: []string{"https://orders.example.com", "https://stock.example.com"},
		Subject: testSubject, CredentialVersion: "3q2-7wABAgM", AuthTime: testIssued, ExpiresAt: testIssued.Add(CodeLifetime),
	}
	for _, mod := range mods {
		mod(c)
	}
	return c
}

// bareCode is a code with nothing that may be absent.
func bareCode() *Code {
	return fullCode(func(c *Code) { c.Challenge, c.Scopes, c.Audiences, c.RedirectSent = "", nil, nil, false })
}

func stranger() *Browser {
	return &Browser{ID: testSession, ExpiresAt: testIssued.Add(BrowserLifetime)}
}

func known() *Browser {
	b := stranger()
	b.Subject, b.CredentialVersion, b.AuthTime = testSubject, "3q2-7wABAgM", testIssued
	return b
}

func TestTheRecordsOfValuesAreFinal(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "code", appendCode(fullCode()))
	golden.Compare(t, "browser", appendBrowser(known()))
}

func TestACodeIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]*Code{"with everything": fullCode(), "with the least": bareCode()} {
		text, err := SealCode(rand.Reader, testRing(t), code)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenCode(testRing(t), text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(code, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

func TestABrowserIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, browser := range map[string]*Browser{"a stranger": stranger(), "somebody": known()} {
		text, err := SealBrowser(rand.Reader, testRing(t), browser)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenBrowser(testRing(t), text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(browser, got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

func TestACodeThatCannotBeMade(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Code){
		"without an id":           func(c *Code) { c.ID = "" },
		"without a client":        func(c *Code) { c.ClientID = "" },
		"without a redirect":      func(c *Code) { c.RedirectURI = "" },
		"without a user":          func(c *Code) { c.Subject = "" },
		"without a password":      func(c *Code) { c.CredentialVersion = "" },
		"without a login":         func(c *Code) { c.AuthTime = time.Time{} },
		"without an end":          func(c *Code) { c.ExpiresAt = time.Time{} },
		"with a scope of two":     func(c *Code) { c.Scopes = []string{"a b"} },
		"that is not UTF-8":       func(c *Code) { c.ClientID = "\xff" },
		"that is longer than URL": func(c *Code) { c.Scopes = []string{strings.Repeat("x", MaxCodeLength)} },
	}
	for name, mod := range tests {
		if text, err := SealCode(rand.Reader, testRing(t), fullCode(mod)); err == nil {
			t.Errorf("%s: made %q", name, text)
		}
	}
}

func TestACookieThatCannotBeMade(t *testing.T) {
	t.Parallel()
	for name, mod := range map[string]func(*Browser){
		"without an id":                 func(b *Browser) { b.ID = "" },
		"without an end":                func(b *Browser) { b.ExpiresAt = time.Time{} },
		"of a login without a user":     func(b *Browser) { b.Subject = "" },
		"of a login without a password": func(b *Browser) { b.CredentialVersion = "" },
		"of a login without a time":     func(b *Browser) { b.AuthTime = time.Time{} },
	} {
		b := known()
		mod(b)
		if text, err := SealBrowser(rand.Reader, testRing(t), b); err == nil {
			t.Errorf("%s: made %q", name, text)
		}
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	code, err := SealCode(rand.Reader, ring, fullCode())
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := SealBrowser(rand.Reader, ring, known())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		text string
		want error
	}{
		"a cookie":             {cookie, ErrSignature},
		"nothing":              {"", ErrSignature},
		"no base64url":         {"ä", ErrMalformed},
		"a line break":         {code[:10] + "\n" + code[10:], ErrMalformed},
		"one byte changed":     {code[:50] + flip(code[50]) + code[51:], ErrSignature},
		"longer than any code": {strings.Repeat("A", MaxCodeLength+1), ErrMalformed},
	}
	for name, tc := range tests {
		if _, err := OpenCode(ring, tc.text); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", name, err, tc.want)
		}
	}
	if _, err := OpenCode(keystest.Ring(t, "team-b", testIssuer), code); !errors.Is(err, ErrSignature) {
		t.Errorf("another tenant: error %v, want %v", err, ErrSignature)
	}
	if _, err := OpenBrowser(ring, code); !errors.Is(err, ErrSignature) {
		t.Errorf("a code is a cookie: error %v, want %v", err, ErrSignature)
	}
}

func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestTheNamesOfACodeTellNothingOfEachOther(t *testing.T) {
	t.Parallel()
	c := fullCode()
	if !isUUID(c.MarkerName()) || !isUUID(c.TokenID()) || c.MarkerName() == c.TokenID() {
		t.Errorf("marker %q, token %q", c.MarkerName(), c.TokenID())
	}
	if len(c.GrantName()) > 63 || c.GrantName() != fullCode().GrantName() {
		t.Errorf("grant %q", c.GrantName())
	}
	if at := c.ExpiresAt; !c.Expired(at) || c.Expired(at.Add(-time.Second)) {
		t.Error("a code is good until its end, and no longer")
	}
}

// FuzzReadCode looks behind the seal: whatever is accepted is what would be written.
func FuzzReadCode(f *testing.F) {
	f.Add(string(appendCode(fullCode())))
	f.Add(string(appendCode(bareCode())))
	f.Fuzz(func(t *testing.T, record string) {
		c, ok := readCode(record)
		if !ok || c.check() != nil {
			return
		}
		if again := string(appendCode(c)); again != record {
			t.Errorf("accepted %q, which would be written as %q", record, again)
		}
	})
}

// FuzzReadBrowser is FuzzReadCode for cookies.
func FuzzReadBrowser(f *testing.F) {
	f.Add(string(appendBrowser(stranger())))
	f.Add(string(appendBrowser(known())))
	f.Fuzz(func(t *testing.T, record string) {
		b, ok := readBrowser(record)
		if !ok || b.check() != nil {
			return
		}
		if again := string(appendBrowser(b)); again != record {
			t.Errorf("accepted %q, which would be written as %q", record, again)
		}
	})
}

// FuzzOpenCode holds that a code has one spelling.
func FuzzOpenCode(f *testing.F) {
	ring := testRing(f)
	code, err := SealCode(bytes.NewReader(make([]byte, 64)), ring, fullCode()) // the same in every process
	if err != nil {
		f.Fatal(err)
	}
	f.Add(code + "=")
	f.Add(code[:len(code)-1])
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := OpenCode(ring, text); err == nil && text != code {
			t.Errorf("opened %q", text)
		}
	})
}
