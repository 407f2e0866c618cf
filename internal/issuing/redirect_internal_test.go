package issuing

import (
	"net/url"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

func TestMatchesRedirect(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		registered, requested string
		want                  bool
	}{
		"the same":                       {"https://app.example.com/cb", "https://app.example.com/cb", true},
		"a path below":                   {"https://app.example.com/cb", "https://app.example.com/cb/", false},
		"a query more":                   {"https://app.example.com/cb", "https://app.example.com/cb?x=1", false},
		"another port of a host":         {"https://app.example.com/cb", "https://app.example.com:444/cb", false},
		"its own port":                   {"https://app.example.com/cb", "https://app.example.com:443/cb", false},
		"a loopback port":                {"http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true},
		"another loopback port":          {"http://127.0.0.1:8080/cb", "http://127.0.0.1:51004/cb", true},
		"no loopback port":               {"http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", true},
		"a loopback port with a query":   {"http://127.0.0.1/cb?a=b", "http://127.0.0.1:1/cb?a=b", true},
		"another query":                  {"http://127.0.0.1/cb?a=b", "http://127.0.0.1:1/cb?a=c", false},
		"a loopback port without a path": {"http://127.0.0.1", "http://127.0.0.1:65535", true},
		"a port that there is not":       {"http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false},
		"port zero":                      {"http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false},
		"no port after the colon":        {"http://127.0.0.1/cb", "http://127.0.0.1:/cb", false},
		"a user before the host":         {"http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example.com/cb", false},
		"a host that begins so":          {"http://127.0.0.1/cb", "http://127.0.0.1.evil.example.com/cb", false},
		"another address of the host":    {"http://127.0.0.1/cb", "http://127.0.0.2:1/cb", false},
		"IPv6":                           {"http://[::1]/cb", "http://[::1]:51004/cb", true},
		"one address is not the other":   {"http://[::1]/cb", "http://127.0.0.1:51004/cb", false},
		"localhost is a name":            {"http://localhost/cb", "http://localhost:51004/cb", false},
		"https has no such freedom":      {"https://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false},
		"a private scheme":               {"com.example.app:/cb", "com.example.app:/cb", true},
		"a private scheme and more":      {"com.example.app:/cb", "com.example.app:/cb/x", false},
	}
	for name, tc := range tests {
		if got := matchesRedirect(tc.registered, tc.requested); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

// FuzzMatchesRedirect holds that nothing but the port of a loopback address is free: whatever matches
// is read as the same host, path and query by others, too.
func FuzzMatchesRedirect(f *testing.F) {
	for _, requested := range []string{"http://127.0.0.1:1@evil/cb", "http://127.0.0.1:80/cb", "http://[::1]:2/cb", "http://127.0.0.1:1\\@evil/cb", "HTTP://127.0.0.1/cb"} {
		f.Add(requested)
	}
	f.Fuzz(func(t *testing.T, requested string) {
		for _, registered := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb?a=b", "http://[::1]", "https://app.example.com/cb", "com.example.app:/cb"} {
			if !matchesRedirect(registered, requested) {
				continue
			}
			got, err := url.Parse(requested)
			if err != nil {
				t.Fatalf("%q matches %q, and is no URL: %v", requested, registered, err)
			}
			want, err := url.Parse(registered)
			if err != nil {
				t.Fatal(err)
			}
			if got.Hostname() != want.Hostname() || got.Path != want.Path || got.RawQuery != want.RawQuery || got.User != nil || got.Fragment != "" {
				t.Errorf("%q matches %q", requested, registered)
			}
		}
	})
}

func TestVerifies(t *testing.T) {
	t.Parallel()
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	tests := map[string]struct {
		verifier, challenge string
		want                bool
	}{
		"the pair of RFC 7636, appendix B":         {verifier, challenge, true},
		"neither":                                  {"", "", true},
		"a challenge without a verifier":           {"", challenge, false},
		"a verifier without a challenge":           {verifier, "", false},
		"another verifier":                         {strings.Repeat("x", 43), challenge, false},
		"the challenge itself":                     {challenge, challenge, false},
		"a verifier that is too short":             {"a", "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs", false},
		"a verifier with what may not stand in it": {strings.Repeat("x", 42) + " ", "Ls32vV7f4nVLoWl8lbjKp-uKl5GyRa9Ph3Qx0PIiqF8", false},
	}
	for name, tc := range tests {
		if got := verifies(sensitive.New(tc.verifier), tc.challenge); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
	for verifier, want := range map[string]bool{
		strings.Repeat("a", 42): false, strings.Repeat("a", 43): true, strings.Repeat("~", 128): true, strings.Repeat("a", 129): false,
		strings.Repeat("é", 43): false, strings.Repeat("a", 42) + "[": false, strings.Repeat("Z", 42) + "@": false, "AZaz09-._~" + strings.Repeat("a", 43): true,
	} {
		if got := isVerifier(verifier); got != want {
			t.Errorf("%q is a verifier: %t, want %t", verifier, got, want)
		}
	}
}

func TestStaysOnDevice(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]bool{
		"https://app.example.com/cb":      false,
		"https://localhost.example.com":   false,
		"https://192.0.2.1/cb":            false,
		"https://localhost:8443/cb":       true,
		"https://LOCALHOST./cb":           true,
		"https://app.localhost/cb":        true,
		"https://127.8.0.1/cb":            true,
		"https://[::1]:8443/cb":           true,
		"https://[::ffff:127.0.0.1]/cb":   true,
		"http://127.0.0.1/cb":             true,
		"com.example.app:/cb":             true,
		"com.example.app://x.example.com": true,
	} {
		if got := staysOnDevice(uri); got != want {
			t.Errorf("%s: %t, want %t", uri, got, want)
		}
	}
}
