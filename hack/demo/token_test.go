package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

func TestAFieldIsReadFromAnAnswer(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `{"data":{"token":"t0k","expires_in":5},"access_token":"acc"}`)
	tests := map[string]struct{ path, want, wantError string }{
		"a member of the answer":  {path: "access_token", want: "acc\n"},
		"a member of a member":    {path: "data.token", want: "t0k\n"},
		"a member that is absent": {path: "data.refresh_token", wantError: `no string "data.refresh_token"`},
		"a way through a string":  {path: "access_token.x", wantError: "no string"},
		"a number":                {path: "data.expires_in", wantError: "no string"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := printField(&out, file, tc.path)
			if got := out.String(); got != tc.want {
				t.Errorf("printed %q, want %q", got, tc.want)
			}
			if (err != nil) != (tc.wantError != "") || err != nil && !strings.Contains(err.Error(), tc.wantError) {
				t.Errorf("error %v, want %q", err, tc.wantError)
			}
		})
	}
}

func TestAnAnswerWithoutTheFieldIsQuoted(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"reason":["Authentication Failed"]}`, "Authentication Failed"} {
		err := printField(&strings.Builder{}, writeFile(t, answer), "data.token")
		if err == nil || !strings.Contains(err.Error(), "Authentication Failed") {
			t.Errorf("error %v, want one that quotes %q", err, answer)
		}
	}
}

func TestATokenIsVerifiedOffline(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example"
	published, foreign := newKey(t, "published"), newKey(t, "published")
	tests := map[string]struct {
		key     jwk.Key
		issuer  string
		expires time.Duration
		good    bool
	}{
		"one that is good":           {published, issuer, time.Hour, true},
		"one that has expired":       {published, issuer, -time.Hour, false},
		"one of another issuer":      {published, "https://other.example", time.Hour, false},
		"one signed by another key":  {foreign, issuer, time.Hour, false},
		"one of an unpublished name": {newKey(t, "unpublished"), issuer, time.Hour, false},
	}
	set := writeFile(t, keySet(t, published))
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := sign(t, tc.key, tc.issuer, time.Now().Add(tc.expires))
			var out strings.Builder
			err := verify(&out, set, issuer, token)
			if tc.good != (err == nil) {
				t.Fatalf("error %v, want good %t", err, tc.good)
			}
			if tc.good && !strings.HasPrefix(out.String(), "good: ES256 by key published") {
				t.Errorf("printed %q", out.String())
			}
			if !tc.good && out.Len() > 0 {
				t.Errorf("printed %q of a token that is not good", out.String())
			}
		})
	}
}

func TestClaimsArePrintedOfAJWTAlone(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := printClaims(&out, sign(t, newKey(t, "key"), "https://issuer.example", time.Unix(1e9, 0))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kid": "key"`, `"iss": "https://issuer.example"`, `"exp": 1000000000`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in:\n%s", want, out.String())
		}
	}
	for _, other := range []string{"", "dc93c753-6ced-4433-9abf-fde629a69a07", "a.b.c"} {
		if err := printClaims(&out, other); err == nil {
			t.Errorf("%q: no error", other)
		}
	}
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t *testing.T, id string) jwk.Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(private)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{jwk.KeyIDKey: id, jwk.AlgorithmKey: jwa.ES256()} {
		if err := key.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

func keySet(t *testing.T, key jwk.Key) string {
	t.Helper()
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	set := jwk.NewSet()
	if err := set.AddKey(public); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func sign(t *testing.T, key jwk.Key, issuer string, expires time.Time) string {
	t.Helper()
	token, err := jwt.NewBuilder().Issuer(issuer).Subject("alice").Expiration(expires).Build()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), key))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}
