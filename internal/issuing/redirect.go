package issuing

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// matchesRedirect compares a redirect URI with a registered one: byte for byte (RFC 9700 §2.1), but
// for the port of a program's own listener on a loopback address (RFC 8252 §7.3). localhost has no
// such freedom: it is a name, and names can be made to mean something else.
func matchesRedirect(registered, requested string) bool {
	if registered == requested {
		return true
	}
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		want, isLoopback := cutHost(registered, host)
		got, comes := cutHost(requested, host)
		if isLoopback && comes {
			return want == got
		}
	}
	return false
}

// cutHost gives what follows on a host and its port; false for another host.
func cutHost(uri, host string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(uri, host)
	if !ok {
		return "", false
	}
	if port, hasPort := strings.CutPrefix(rest, ":"); hasPort {
		end := strings.IndexFunc(port, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(port)
		}
		if n, err := strconv.ParseUint(port[:end], 10, 16); err != nil || n == 0 {
			return "", false
		}
		rest = port[end:]
	}
	return rest, rest == "" || rest[0] == '/' || rest[0] == '?'
}

// staysOnDevice tells whether a redirect URI leads to a program on the user's device, whose place another
// program there could take: a private scheme, and a loopback host even by https.
func staysOnDevice(redirect string) bool {
	uri, err := url.Parse(redirect)
	if err != nil || uri.Scheme != "https" {
		return true
	}
	host := strings.TrimSuffix(strings.ToLower(uri.Hostname()), ".")
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && address.Unmap().IsLoopback()
}

// challengeLength is that of an S256 challenge: SHA-256 in base64url without padding.
const challengeLength = 43

// isChallenge tells whether a text can be an S256 challenge (RFC 7636 §4.2).
func isChallenge(text string) bool {
	if len(text) != challengeLength {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && !strings.ContainsAny(text, "\r\n")
}

// isVerifier tells whether a text can be a code verifier (RFC 7636 §4.1).
func isVerifier(text string) bool {
	if len(text) < 43 || len(text) > 128 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && strings.IndexByte("-._~", c) < 0 {
			return false
		}
	}
	return true
}

// verifies tells whether a verifier is that of a challenge (RFC 7636 §4.6). Where there was no
// challenge there may be no verifier (RFC 9700 §2.1.1): somebody would have taken the challenge away.
func verifies(verifier sensitive.String, challenge string) bool {
	if challenge == "" || verifier.IsZero() {
		return challenge == "" && verifier.IsZero()
	}
	text := verifier.Reveal()
	sum := sha256.Sum256([]byte(text))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return isVerifier(text) && subtle.ConstantTimeCompare([]byte(want), []byte(challenge)) == 1
}
