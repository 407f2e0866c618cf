package wazo

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"
)

// basic is the header of credentials as they stand between the base64.
func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestParseBasic(t *testing.T) {
	t.Parallel()
	type want struct{ login, password string }
	refused := want{}
	tests := map[string]struct {
		headers []string
		want    want
	}{
		"a login and a password":                        {[]string{basic("alice:secret")}, want{"alice", "secret"}},
		"the scheme's case does not matter":             {[]string{"bAsIc " + basic("alice:secret")[6:]}, want{"alice", "secret"}},
		"spaces after the scheme are skipped":           {[]string{"Basic   " + basic("alice:secret")[6:] + " "}, want{"alice", "secret"}},
		"the first colon separates":                     {[]string{basic("alice:se:cr:et")}, want{"alice", "se:cr:et"}},
		"white space belongs to the credentials":        {[]string{basic(" alice : secret ")}, want{" alice ", " secret "}},
		"UTF-8 is read as UTF-8":                        {[]string{basic("zoë:pässwörd")}, want{"zoë", "pässwörd"}},
		"what is not UTF-8 is read as Latin-1":          {[]string{basic("zo\xeb:p\xe4ssw\xf6rd")}, want{"zoë", "pässwörd"}},
		"one byte beyond UTF-8 makes all of it Latin-1": {[]string{basic("zoë:p\xe4ss")}, want{"zoÃ«", "päss"}},
		"no header":                      {nil, refused},
		"an empty header":                {[]string{""}, refused},
		"the scheme alone":               {[]string{"Basic"}, refused},
		"the scheme without credentials": {[]string{"Basic "}, refused},
		"another scheme":                 {[]string{"Bearer " + basic("alice:secret")[6:]}, refused},
		"credentials without a scheme":   {[]string{basic("alice:secret")[6:]}, refused},
		"two headers are none":           {[]string{basic("alice:secret"), basic("alice:secret")}, refused},
		"what is not base64":             {[]string{"Basic alice:secret"}, refused},
		"base64 without its padding":     {[]string{"Basic YWxpY2U6c2VjcmV0cw"}, refused},
		"base64 in the alphabet of URLs": {[]string{"Basic " + base64.URLEncoding.EncodeToString([]byte("alice:>>>???"))}, refused},
		"no colon":                       {[]string{basic("alice")}, refused},
		"an empty login":                 {[]string{basic(":secret")}, refused},
		"an empty password":              {[]string{basic("alice:")}, refused},
		"nothing but the colon":          {[]string{basic(":")}, refused},
		"the length of the credentials is the header's limit": {[]string{basic("alice:" + strings.Repeat("x", 8000))}, want{"alice", strings.Repeat("x", 8000)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			login, password, ok := parseBasic(tc.headers)
			if ok != (tc.want != refused) {
				t.Fatalf("ok = %v", ok)
			}
			if got := (want{login, password.Reveal()}); ok && got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func FuzzParseBasic(f *testing.F) {
	for _, seed := range []string{"", "Basic", basic("alice:secret"), basic("zo\xeb:x"), basic(":"), "Basic !!"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		login, password, ok := parseBasic([]string{header})
		if !ok {
			return
		}
		if login == "" || password.IsZero() || strings.Contains(login, ":") {
			t.Errorf("%q gives the login %q", header, login)
		}
		if !utf8.ValidString(login) || !utf8.ValidString(password.Reveal()) {
			t.Errorf("%q gives what is not UTF-8", header)
		}
	})
}
