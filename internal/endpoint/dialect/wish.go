package dialect

import (
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// Wish is what the parameters scope (RFC 6749 §3.3) and resource (RFC 8707 §2) ask a token to carry. The
// error is a refusal with InvalidTarget.
func Wish(scope string, resources []string) (issuing.Wish, error) {
	for _, resource := range resources {
		if !isResource(resource) {
			return issuing.Wish{}, &issuing.Refusal{Reason: issuing.InvalidTarget, Description: "a resource must be an absolute URI without a fragment"}
		}
	}
	return issuing.Wish{Scopes: splitScope(scope), Audiences: resources}, nil
}

// splitScope takes the scope parameter apart at its spaces. More of them than needed do no harm;
// no other white space separates (RFC 6749 §3.3).
func splitScope(scope string) []string {
	var scopes []string
	for part := range strings.SplitSeq(scope, " ") {
		if part != "" {
			scopes = append(scopes, part)
		}
	}
	return scopes
}

// isResource tells whether a text is an absolute URI without a fragment (RFC 8707 §2, RFC 3986
// §4.3), as far as its characters go: what it names is compared as a whole with what the client may
// have.
func isResource(text string) bool {
	scheme, rest, found := strings.Cut(text, ":")
	if !found || rest == "" || !isScheme(scheme) {
		return false
	}
	for i := range len(rest) {
		if c := rest[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("#\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}

// isScheme follows RFC 3986 §3.1.
func isScheme(text string) bool {
	for i := range len(text) {
		c := text[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return text != ""
}
