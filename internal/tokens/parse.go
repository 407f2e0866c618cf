package tokens

import (
	"fmt"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// readClaims reads what appendClaims wrote in one dialect.
func readClaims(claims string, dialect Dialect) (*Access, bool) {
	c, a := newCursor(claims), &Access{Dialect: dialect}
	c.expect(`{`)
	readMembers(&c, a)
	c.expect(`}`)
	return a, c.end()
}

// admit looks at what was read from a genuine token. Its maker kept to the form,
// one might think; but older and newer programs hold the same keys.
func admit(ring *keys.Ring, a *Access) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if a.Issuer != ring.Tenant().Issuer {
		return ErrIssuer
	}
	return nil
}

func readMembers(c *cursor, a *Access) {
	c.expect(`"iss":`)
	a.Issuer = c.text()
	c.expect(`,"sub":`)
	a.Subject = c.text()
	c.expect(`,"aud":`)
	a.Audiences = readAudience(c)
	c.expect(`,"exp":`)
	a.ExpiresAt = c.seconds()
	c.expect(`,"iat":`)
	a.IssuedAt = c.seconds()
	c.expect(`,"nbf":`)
	a.NotBefore = c.seconds()
	c.expect(`,"jti":`)
	a.ID = c.text()
	a.ClientID = c.optional(`,"client_id":`)
	if a.Dialect == Wazo {
		c.expect(`,"acl":`)
		a.ACL = c.texts()
	} else if scope := c.optional(`,"scope":`); scope != "" {
		a.Scopes = strings.Split(scope, " ")
	}
	if c.accept(`,"sid":`) {
		readSID(c, a)
	}
	if c.accept(`,"auth_time":`) {
		a.AuthTime = c.seconds()
	}
	a.CredentialVersion = c.optional(`,"cv":`)
	if a.Dialect == OAuth2 {
		a.Profile = readProfile(c)
	}
}

// readAudience keeps to the form that appendAudience writes: an array has two
// members or more.
func readAudience(c *cursor) []string {
	if strings.HasPrefix(c.rest, `"`) {
		return []string{c.text()}
	}
	audiences := c.texts()
	if len(audiences) < 2 {
		c.fail()
	}
	return audiences
}

func readSID(c *cursor, a *Access) {
	id, rest, _ := strings.Cut(c.text(), ".")
	digits, namespace, crosses := strings.Cut(rest, ".")
	epoch, ok := parseCanonical(digits)
	if !ok || crosses && namespace == "" {
		c.fail()
	}
	a.GrantID, a.Epoch, a.GrantNamespace = id, epoch, namespace
}

func readProfile(c *cursor) *Profile {
	var p Profile
	p.Name = c.optional(`,"name":`)
	p.GivenName = c.optional(`,"given_name":`)
	p.FamilyName = c.optional(`,"family_name":`)
	p.Email = c.optional(`,"email":`)
	if p.Email != "" {
		c.expect(`,"email_verified":`)
		p.EmailVerified = c.boolean()
	}
	if p == (Profile{}) {
		return nil
	}
	return &p
}
