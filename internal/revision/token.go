package revision

import "time"

// notBeforeLead is how far a token's nbf lies before its iat, so that a
// validator whose clock runs behind takes a token made this second.
const notBeforeLead = 60 * time.Second

// Token is one revision of a grant's access token: what tells it from every
// other, never the token itself.
type Token struct {
	// Revision counts the revisions of the grant, from 1.
	Revision int64
	// ID is the jti of a JWT, the session id of a reference token.
	ID string
	// KeyID is the id of the key that signed; empty for a reference token.
	KeyID string
	// IssuedAt and ExpiresAt are whole seconds, UTC.
	IssuedAt, ExpiresAt time.Time
	// Request is the last request for a new revision that was acted on when the
	// record of this one was made; empty where there was none. It is no part of
	// the token.
	Request string
}

// NotBefore is the token's nbf, one minute before its iat.
func (t Token) NotBefore() time.Time { return t.IssuedAt.Add(-notBeforeLead) }

// Expired reports whether the token is past its exp. At exp itself it is
// (RFC 7519 section 4.1.4).
func (t Token) Expired(now time.Time) bool { return !now.Before(t.ExpiresAt) }

// IssuedAt is the iat of a token, from its nbf.
func IssuedAt(notBefore time.Time) time.Time { return notBefore.Add(notBeforeLead) }
