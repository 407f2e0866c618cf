package tokens

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// CodeLifetime is how long an authorization code is good (RFC 6749 §4.1.2 allows
// ten minutes). A client redeems it at once.
const CodeLifetime = time.Minute

// MaxCodeLength is the longest code in bytes: it stands in a URL with the rest of
// an answer, and servers take 8 KiB of those.
const MaxCodeLength = 4 << 10

// Code is what an authorization code says. It is sealed, so that neither the
// browser that carries it nor the client can read or change it, and kept nowhere.
type Code struct {
	// ID is a random UUID. From it follow the names below.
	ID string
	// ClientID is the client that may redeem it.
	ClientID string
	// RedirectURI is where the code was sent to. RedirectSent tells that the
	// client named it, and so has to name it again (RFC 6749 §4.1.3).
	RedirectURI  string
	RedirectSent bool
	// Challenge is the S256 challenge (RFC 7636 §4.2); empty where there was none.
	Challenge string
	// Scopes and Audiences are what was granted.
	Scopes, Audiences []string
	// Subject, CredentialVersion and AuthTime are the login's, as in Access.
	Subject, CredentialVersion string
	AuthTime                   time.Time
	// ExpiresAt is CodeLifetime after the code was made.
	ExpiresAt time.Time
}

// GrantName is the name of the grant that redeeming the code makes. Creating it
// is what makes the code good once.
func (c *Code) GrantName() string { return keys.Name("authorization-code", c.ID) }

// MarkerName is the name of the TokenRevocation that redeeming the code makes
// where no grant is due.
func (c *Code) MarkerName() string { return keys.NameID("authorization-code", c.ID) }

// TokenID is the jti of the access token that the code gives, so that a second
// use of the code can end the token of the first.
func (c *Code) TokenID() string { return keys.NameID("authorization-code-token", c.ID) }

// Expired reports whether the code is dead at now.
func (c *Code) Expired(now time.Time) bool { return !now.Before(c.ExpiresAt) }

// SealCode writes the code. random gives salt and nonce. The error is the
// caller's mistake, ErrTooLarge, or the reader's.
func SealCode(random io.Reader, ring *keys.Ring, c *Code) (string, error) {
	if err := c.check(); err != nil {
		return "", fmt.Errorf("making an authorization code: %w", err)
	}
	return sealValue(random, ring, keys.AuthorizationCode, appendCode(c), MaxCodeLength)
}

// OpenCode reads what SealCode made. It does not look at the time. Errors wrap one
// of this package's.
func OpenCode(ring *keys.Ring, text string) (*Code, error) {
	record, err := openValue(ring, keys.AuthorizationCode, text, MaxCodeLength)
	if err != nil {
		return nil, err
	}
	c, ok := readCode(record)
	if !ok || c.check() != nil {
		return nil, fmt.Errorf("%w: not a code of this program's", ErrMalformed)
	}
	return c, nil
}

// check refuses what could be written but not be read back as the same.
func (c *Code) check() error {
	switch {
	case !isUUID(c.ID) || c.ClientID == "" || c.RedirectURI == "" || c.Subject == "" || c.CredentialVersion == "":
		return errors.New("id, client, redirect, subject and credential version are all required")
	case !datable(c.AuthTime) || !datable(c.ExpiresAt):
		return errors.New("the time of the login and the expiry are required")
	}
	for _, scope := range c.Scopes {
		if scope == "" || strings.ContainsRune(scope, ' ') {
			return errors.New("a scope is empty or holds a space")
		}
	}
	return nil
}

func appendCode(c *Code) []byte {
	dst := appendText([]byte(`{"id":`), c.ID)
	dst = appendText(append(dst, `,"client_id":`...), c.ClientID)
	dst = appendText(append(dst, `,"redirect_uri":`...), c.RedirectURI)
	dst = appendBool(append(dst, `,"redirect_sent":`...), c.RedirectSent)
	dst = appendOptional(dst, `,"code_challenge":`, c.Challenge)
	dst = appendScopes(dst, c.Scopes)
	dst = appendTexts(append(dst, `,"aud":`...), c.Audiences)
	dst = appendText(append(dst, `,"sub":`...), c.Subject)
	dst = appendText(append(dst, `,"cv":`...), c.CredentialVersion)
	dst = appendSeconds(append(dst, `,"auth_time":`...), c.AuthTime)
	dst = appendSeconds(append(dst, `,"exp":`...), c.ExpiresAt)
	return append(dst, '}')
}

func readCode(record string) (*Code, bool) {
	r, c := newCursor(record), &Code{}
	r.expect(`{"id":`)
	c.ID = r.text()
	r.expect(`,"client_id":`)
	c.ClientID = r.text()
	r.expect(`,"redirect_uri":`)
	c.RedirectURI = r.text()
	r.expect(`,"redirect_sent":`)
	c.RedirectSent = r.boolean()
	c.Challenge = r.optional(`,"code_challenge":`)
	if scope := r.optional(`,"scope":`); scope != "" {
		c.Scopes = strings.Split(scope, " ")
	}
	r.expect(`,"aud":`)
	c.Audiences = r.texts()
	r.expect(`,"sub":`)
	c.Subject = r.text()
	r.expect(`,"cv":`)
	c.CredentialVersion = r.text()
	r.expect(`,"auth_time":`)
	c.AuthTime = r.seconds()
	r.expect(`,"exp":`)
	c.ExpiresAt = r.seconds()
	r.expect(`}`)
	return c, r.end()
}
