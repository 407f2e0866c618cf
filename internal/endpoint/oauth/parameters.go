package oauth

import (
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
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
	code         sensitive.String
	codeVerifier sensitive.String // RFC 7636
	redirectURI  string
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
	case "code":
		return hide(&p.code, value)
	case "code_verifier":
		return hide(&p.codeVerifier, value)
	case "redirect_uri":
		return put(&p.redirectURI, value)
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
	wish, err := dialect.Wish(p.scope, p.resources)
	if err != nil {
		return issuing.Wish{}, problemOf(issuing.AsRefusal(err))
	}
	return wish, nil
}
