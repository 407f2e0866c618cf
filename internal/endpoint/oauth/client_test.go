package oauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// basic is an Authorization header over text that is joined already.
func basic(joined string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(joined))
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	const (
		header = v1alpha1.ClientAuthenticationSecretBasic
		inForm = v1alpha1.ClientAuthenticationSecretPost
	)
	tests := map[string]struct {
		header     string // absent: none
		id, secret string // in the form
		wantID     string
		wantSecret string
		wantMethod v1alpha1.ClientAuthentication
	}{
		"Basic": {
			header: basic("billing:s3cret"),
			wantID: "billing", wantSecret: "s3cret", wantMethod: header,
		},
		"the scheme in another case": {
			header: "bAsIc " + base64.StdEncoding.EncodeToString([]byte("billing:s3cret")),
			wantID: "billing", wantSecret: "s3cret", wantMethod: header,
		},
		"more spaces behind the scheme": {
			header: "Basic   " + base64.StdEncoding.EncodeToString([]byte("billing:s3cret")) + " ",
			wantID: "billing", wantSecret: "s3cret", wantMethod: header,
		},
		"both halves are form-encoded": {
			header: basic("billing%3Aeu+1:s%C3%A9cret%25+%2B"),
			wantID: "billing:eu 1", wantSecret: "sécret% +", wantMethod: header,
		},
		"a secret may hold a colon as it is": {
			header: basic("billing:s3:cret"),
			wantID: "billing", wantSecret: "s3:cret", wantMethod: header,
		},
		"a secret may be empty, and proves nothing later": {
			header: basic("billing:"),
			wantID: "billing", wantSecret: "", wantMethod: header,
		},
		"Basic and the same client_id in the form": {
			header: basic("billing:s3cret"), id: "billing",
			wantID: "billing", wantSecret: "s3cret", wantMethod: header,
		},
		"a client_id alone, which is enough of a Public client": {
			id: "app", wantID: "app",
		},
		"the form": {
			id: "billing", secret: "s3cret",
			wantID: "billing", wantSecret: "s3cret", wantMethod: inForm,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if tc.header != "" {
				h.Set("Authorization", tc.header)
			}
			got, err := clientAuthentication(h, &parameters{clientID: tc.id, clientSecret: sensitive.New(tc.secret)})
			if err != nil {
				t.Fatal(err)
			}
			if got.ClientID != tc.wantID || got.Secret.Reveal() != tc.wantSecret || got.Method != tc.wantMethod {
				t.Errorf("got %q, %q by %s; want %q, %q by %s", got.ClientID, got.Secret.Reveal(), got.Method, tc.wantID, tc.wantSecret, tc.wantMethod)
			}
		})
	}
}

func TestClientAuthenticationThatIsRefused(t *testing.T) {
	t.Parallel()
	const (
		none    = "invalid_client: client authentication is missing or malformed"
		twofold = "invalid_request: the client authenticates in more than one way"
		unlike  = "invalid_request: client_id is not the client that authenticates"
	)
	tests := map[string]struct {
		headers    []string
		id, secret string
		want       string
	}{
		"nothing":                               {want: none},
		"a client_secret alone":                 {secret: "s", want: none},
		"an empty header":                       {headers: []string{""}, want: none},
		"a scheme alone":                        {headers: []string{"Basic"}, want: none},
		"another scheme":                        {headers: []string{"Bearer abc"}, want: none},
		"a scheme that begins like Basic":       {headers: []string{"Basically abc"}, want: none},
		"no base64":                             {headers: []string{"Basic billing:s"}, want: none},
		"base64 without its padding":            {headers: []string{"Basic YTpi" + "YQ"}, want: none},
		"base64url":                             {headers: []string{"Basic Pz8_Oj8_"}, want: none},
		"no colon":                              {headers: []string{basic("billing")}, want: none},
		"no client_id before the colon":         {headers: []string{basic(":s")}, want: none},
		"a bad escape in the client_id":         {headers: []string{basic("bill%ing:s")}, want: none},
		"a bad escape in the secret":            {headers: []string{basic("billing:100%")}, want: none},
		"a secret that is not UTF-8":            {headers: []string{basic("billing:\xff")}, want: none},
		"two headers":                           {headers: []string{basic("billing:s"), basic("billing:s")}, want: twofold},
		"a header and a secret in the form":     {headers: []string{basic("billing:s")}, id: "billing", secret: "s", want: twofold},
		"a Bearer token and a secret":           {headers: []string{"Bearer abc"}, id: "billing", secret: "s", want: twofold},
		"a header and another client's id":      {headers: []string{basic("billing:s")}, id: "shop", want: unlike},
		"a header and its id in another script": {headers: []string{basic("billing:s")}, id: "Billing", want: unlike},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for _, line := range tc.headers {
				h.Add("Authorization", line)
			}
			_, err := clientAuthentication(h, &parameters{clientID: tc.id, clientSecret: sensitive.New(tc.secret)})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// FuzzBasic joins credentials as RFC 6749 §2.3.1 says and wants them back as they were.
func FuzzBasic(f *testing.F) {
	f.Add("billing", "s3cret")
	f.Add("a:b", ":")
	f.Add("", "\xff")
	f.Add("é +%", "")
	f.Fuzz(func(t *testing.T, id, secret string) {
		gotID, gotSecret, ok := parseBasic(basic(url.QueryEscape(id) + ":" + url.QueryEscape(secret)))
		if want := id != "" && utf8.ValidString(id) && utf8.ValidString(secret); ok != want {
			t.Fatalf("taken: %t, want %t", ok, want)
		}
		if ok && (gotID != id || gotSecret.Reveal() != secret) {
			t.Errorf("wrote %q and %q, read %q and %q", id, secret, gotID, gotSecret.Reveal())
		}
	})
}

// FuzzAuthorization takes anything for a header: what is read of it can be written and read again.
func FuzzAuthorization(f *testing.F) {
	f.Add(basic("billing:s3cret"))
	f.Add("Basic  ====")
	f.Add("basic YTpi\r\n")
	f.Fuzz(func(t *testing.T, header string) {
		id, secret, ok := parseBasic(header)
		if !ok {
			return
		}
		againID, againSecret, ok := parseBasic(basic(url.QueryEscape(id) + ":" + url.QueryEscape(secret.Reveal())))
		if !ok || againID != id || !againSecret.Equal(secret) {
			t.Errorf("%q is read as %q and %q, and these not as themselves", header, id, secret.Reveal())
		}
	})
}
