package oauth

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// clientAuthentication finds how the client proves who it is: by Basic credentials or by client_id
// and client_secret in the form (RFC 6749 §2.3.1), or, where it cannot, by client_id alone (§3.2.1).
// More than one way at once is an invalid request; none, or a scheme that is not known here, is an
// invalid client.
func clientAuthentication(header http.Header, p *parameters) (issuing.ClientAuthentication, error) {
	lines := header["Authorization"]
	if len(lines) > 1 || len(lines) == 1 && !p.clientSecret.IsZero() {
		return issuing.ClientAuthentication{}, invalidRequest("the client authenticates in more than one way")
	}
	if len(lines) == 1 {
		return basicAuthentication(lines[0], p.clientID)
	}
	switch {
	case p.clientID == "":
		return issuing.ClientAuthentication{}, errNoClient
	case p.clientSecret.IsZero(): // a Public client names itself and proves nothing
		return issuing.ClientAuthentication{ClientID: p.clientID}, nil
	}
	return issuing.ClientAuthentication{
		ClientID: p.clientID,
		Secret:   p.clientSecret,
		Method:   v1alpha1.ClientAuthenticationSecretPost,
	}, nil
}

// basicAuthentication reads an Authorization header. clientID is what the form says, if anything.
func basicAuthentication(header, clientID string) (issuing.ClientAuthentication, error) {
	id, secret, ok := parseBasic(header)
	switch {
	case !ok:
		return issuing.ClientAuthentication{}, errNoClient
	case clientID != "" && clientID != id:
		return issuing.ClientAuthentication{}, invalidRequest("client_id is not the client that authenticates")
	}
	return issuing.ClientAuthentication{
		ClientID: id,
		Secret:   secret,
		Method:   v1alpha1.ClientAuthenticationSecretBasic,
	}, nil
}

// parseBasic reads Basic credentials whose two halves are each form-encoded before they are joined
// and base64-encoded, so that either may hold a colon or letters beyond ASCII.
func parseBasic(header string) (id string, secret sensitive.String, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", sensitive.String{}, false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	defer clear(decoded)
	if err != nil {
		return "", sensitive.String{}, false
	}
	left, right, found := bytes.Cut(decoded, []byte{':'})
	left, leftOK := unescape(left)
	right, rightOK := unescape(right)
	if !found || !leftOK || !rightOK || len(left) == 0 {
		return "", sensitive.String{}, false
	}
	return string(left), sensitive.New(string(right)), true
}
