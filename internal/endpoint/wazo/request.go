package wazo

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// The bounds of a token request.
const (
	longestLifetime = 10 * 365 * 24 * time.Hour
	longestClientID = 1024 // characters
)

// mostScopes is how many scopes one request may ask about: each is held against every pattern of the
// token.
const mostScopes = 256

// tokenRequest is the body of POST token. A login's name and password are not in it, whatever it
// says: they come as Basic credentials.
type tokenRequest struct {
	lifetime time.Duration // zero where none is asked for
	clientID string
	// offline asks for a refresh token.
	offline bool
	// refresh asks for a new access token for the refresh token, which may be empty and is then as
	// wrong as any other.
	refresh      bool
	refreshToken sensitive.String
	// tenant is a tenant that the caller believes to be in; nil where none is named.
	tenant *string
}

// parseTokenRequest reads a body. The error names the member that is wrong, and no value.
func parseTokenRequest(body []byte) (*tokenRequest, error) {
	m, err := parseMembers(body)
	if err != nil {
		return nil, err
	}
	p := &tokenRequest{}
	for _, read := range []func(members) error{p.readLifetime, p.readAccess, p.readClient, p.readBackend} {
		if err := read(m); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *tokenRequest) readLifetime(m members) (err error) {
	p.lifetime, err = m.seconds("expiration", longestLifetime)
	return err
}

// readAccess reads which of the three kinds of request this is: a login, one for later use, or a
// refresh.
func (p *tokenRequest) readAccess(m members) error {
	accessType, given, err := m.text("access_type")
	switch {
	case err != nil:
		return err
	case given && accessType != "online" && accessType != "offline":
		return invalid("access_type: must be online or offline")
	}
	p.offline = accessType == "offline"
	token, given, err := m.text("refresh_token")
	if err != nil {
		return err
	}
	p.refresh, p.refreshToken = given, sensitive.New(token)
	if p.refresh && p.offline {
		return invalid("refresh_token: cannot be used with access_type offline")
	}
	return nil
}

func (p *tokenRequest) readClient(m members) error {
	clientID, given, err := m.text("client_id")
	switch {
	case err != nil:
		return err
	case given && (clientID == "" || utf8.RuneCountInString(clientID) > longestClientID):
		return invalid("client_id: must have 1 to 1024 characters")
	case !given && (p.offline || p.refresh):
		return invalid("client_id: is required with refresh_token and with access_type offline")
	}
	p.clientID = clientID
	return nil
}

// readBackend reads what chooses among ways of authentication elsewhere. There is one here, so that
// these members have to be right and change nothing, but for the tenant, which has to exist.
func (p *tokenRequest) readBackend(m members) error {
	for _, name := range []string{"backend", "saml_session_id"} {
		if _, _, err := m.text(name); err != nil {
			return err
		}
	}
	_, hasDomain, err := m.text("domain_name")
	if err != nil {
		return err
	}
	tenant, hasTenant, err := m.text("tenant_id")
	switch {
	case err != nil:
		return err
	case hasTenant && hasDomain:
		return invalid("tenant_id: cannot be used with domain_name")
	case hasTenant:
		p.tenant = &tenant
	}
	return nil
}

// scopesRequest is the body of POST scopes/check.
type scopesRequest struct {
	scopes []string
	// tenant is the tenant that the token has to belong to; nil where none is named.
	tenant *string
}

// parseScopesRequest reads a body. The error names the member that is wrong, and no value.
func parseScopesRequest(body []byte) (*scopesRequest, error) {
	m, err := parseMembers(body)
	if err != nil {
		return nil, err
	}
	p := &scopesRequest{}
	if p.scopes, err = m.texts("scopes"); err != nil {
		return nil, err
	}
	if len(p.scopes) > mostScopes {
		return nil, invalid("scopes: must not have more than " + strconv.Itoa(mostScopes))
	}
	tenant, given, err := m.text("tenant_uuid")
	if err != nil {
		return nil, err
	}
	if given {
		p.tenant = &tenant
	}
	return p, nil
}
