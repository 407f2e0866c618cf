package oauth

import (
	"net/http"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// parameters are what a token request may say. An empty text is a parameter that is absent or has
// no value, which is the same (RFC 6749 §3.2).
type parameters struct {
	grantType    string
	username     string
	password     sensitive.String
	refreshToken sensitive.String
	token        sensitive.String // RFC 7009 and RFC 7662
	scope        string
	resources    []string
	clientID     string
	clientSecret sensitive.String
}

// parseParameters reads the form, which it overwrites. Parameters that nobody knows are ignored;
// one that comes twice, but for resource, is an error that names it and not its value.
func parseParameters(body []byte) (*parameters, error) {
	p := &parameters{}
	pairs := form{rest: body}
	for pairs.next() {
		if len(pairs.value) > 0 && !p.set(pairs.name, pairs.value) {
			return nil, invalidRequest("a parameter is repeated: " + string(pairs.name))
		}
	}
	if pairs.malformed {
		return nil, invalidRequest("the form is malformed")
	}
	return p, nil
}

// set takes over one parameter; false where it stands already.
func (p *parameters) set(name, value []byte) bool {
	switch string(name) {
	case "grant_type":
		return put(&p.grantType, value)
	case "username":
		return put(&p.username, value)
	case "password":
		return hide(&p.password, value)
	case "refresh_token":
		return hide(&p.refreshToken, value)
	case "token":
		return hide(&p.token, value)
	case "scope":
		return put(&p.scope, value)
	case "resource":
		p.resources = append(p.resources, string(value))
	case "client_id":
		return put(&p.clientID, value)
	case "client_secret":
		return hide(&p.clientSecret, value)
	}
	return true
}

func put(field *string, value []byte) bool {
	if *field != "" {
		return false
	}
	*field = string(value)
	return true
}

func hide(field *sensitive.String, value []byte) bool {
	if !field.IsZero() {
		return false
	}
	*field = sensitive.New(string(value))
	return true
}

// wish is what the client asks the token to carry.
func (p *parameters) wish() (issuing.Wish, error) {
	for _, resource := range p.resources {
		if !isResource(resource) {
			return issuing.Wish{}, &problem{status: http.StatusBadRequest, code: codeInvalidTarget, description: "a resource must be an absolute URI without a fragment"}
		}
	}
	return issuing.Wish{Scopes: splitScope(p.scope), Audiences: p.resources}, nil
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
