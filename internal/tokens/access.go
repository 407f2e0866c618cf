package tokens

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Dialect says which family of clients a token is for. The two are walled: the
// "typ" of a JWT names it, and no validator of one takes a token of the other.
type Dialect string

// The dialects.
const (
	// OAuth2 tokens follow RFC 9068.
	OAuth2 Dialect = "oauth2"
	// Wazo tokens carry access control patterns instead of scopes.
	Wazo Dialect = "wazo"
)

// Access is what an access token says, whether it says so itself (a JWT) or
// stands for a sealed session (a reference token). Times count in whole seconds;
// fractions are dropped when it is written, and it is read back in UTC.
type Access struct {
	Dialect Dialect
	// Issuer is the tenant's issuer, byte for byte.
	Issuer string
	// Subject is the user's subject, or the client_id where a client acts for
	// itself.
	Subject string
	// Audiences is never empty. A wazo token is addressed to its issuer alone.
	Audiences []string
	// ClientID is required in OAuth2 (RFC 9068 §2.2) and in wazo present only
	// where the caller named one.
	ClientID string
	// Scopes are the concrete scopes of an OAuth2 token, in the order granted.
	Scopes []string
	// ACL are the patterns of a wazo token, a snapshot from when it was made.
	ACL []string
	// ID is the jti; for a reference token the UUID of its session.
	ID string
	// IssuedAt, NotBefore and ExpiresAt are all required.
	IssuedAt, NotBefore, ExpiresAt time.Time
	// GrantID and Epoch make the sid, by which a token dies with its grant.
	// Without a grant both are zero.
	GrantID string
	Epoch   int64
	// GrantNamespace is where the grant is, where that is not the tenant itself.
	// It is part of the sid, because an id is unique within one namespace only:
	// no grant elsewhere may stand in for one of the tenant's.
	GrantNamespace string
	// AuthTime is when the user proved who they are; zero: this token does not
	// stem from a login.
	AuthTime time.Time
	// CredentialVersion ties a token that stems from a login to the password
	// that was used (keys.Ring.CredentialVersion).
	CredentialVersion string
	// Profile is present only where the client was granted to see it.
	Profile *Profile

	// Mobile, UserAgent and RemoteAddress describe the login. Only a session
	// keeps them; a JWT does not show them to whoever it is sent to.
	Mobile                   bool
	UserAgent, RemoteAddress string
}

// Profile is what an OAuth2 token tells about the person (OpenID Connect Core
// §5.1). Empty members are left out, and EmailVerified without an Email.
type Profile struct {
	Name, GivenName, FamilyName string
	Email                       string
	EmailVerified               bool
}

// Expired reports whether the token is dead at now: at its exp it already is
// (RFC 7519 §4.1.4).
func (a *Access) Expired(now time.Time) bool { return !now.Before(a.ExpiresAt) }

// NotYetValid reports whether now is before the token's nbf (RFC 7519 §4.1.5).
func (a *Access) NotYetValid(now time.Time) bool { return now.Before(a.NotBefore) }

// check refuses what could be written but not be read back as the same, and
// what the dialect does not allow. It finds mistakes of the caller's: the errors
// name the member, not its value.
func (a *Access) check() error {
	switch {
	case a.Issuer == "" || a.Subject == "" || a.ID == "":
		return errors.New("issuer, subject and id are all required")
	case a.GrantID == "" && a.Epoch != 0, a.GrantID != "" && !isUUID(a.GrantID), a.Epoch < 0:
		return errors.New("the grant is not a UUID with an epoch")
	case a.GrantNamespace != "" && (a.GrantID == "" || !isNamespace(a.GrantNamespace)):
		return errors.New("the grant's namespace is none, or there is no grant")
	}
	if err := a.checkTimes(); err != nil {
		return err
	}
	switch a.Dialect {
	case OAuth2:
		return a.checkOAuth2()
	case Wazo:
		return a.checkWazo()
	default:
		return errors.New("unknown dialect")
	}
}

func (a *Access) checkTimes() error {
	switch {
	case !datable(a.IssuedAt) || !datable(a.NotBefore) || !datable(a.ExpiresAt):
		return errors.New("issue, start and expiry are all required")
	case a.ExpiresAt.Unix() <= a.IssuedAt.Unix():
		return errors.New("the expiry is not after the issue")
	case !a.AuthTime.IsZero() && !datable(a.AuthTime):
		return errors.New("the time of the login is out of range")
	}
	return nil
}

// datable reports whether a time can be written and read back: from 1970 to
// the year 9999, beyond which RFC 3339 and many validators cannot follow.
func datable(t time.Time) bool {
	const lastSecond = 253402300799
	return t.Unix() >= 0 && t.Unix() <= lastSecond
}

func (a *Access) checkOAuth2() error {
	if a.ClientID == "" || len(a.ACL) != 0 {
		return errors.New("an OAuth2 token has a client_id and no acl")
	}
	if len(a.Audiences) == 0 || slices.Contains(a.Audiences, "") {
		return errors.New("an OAuth2 token has an audience, and none is empty")
	}
	for _, scope := range a.Scopes {
		if scope == "" || strings.ContainsRune(scope, ' ') {
			return errors.New("a scope is empty or holds a space")
		}
	}
	return nil
}

func (a *Access) checkWazo() error {
	if len(a.Audiences) != 1 || a.Audiences[0] != a.Issuer {
		return errors.New("a wazo token has its issuer as the only audience")
	}
	if len(a.Scopes) != 0 || a.Profile != nil {
		return errors.New("a wazo token has neither scopes nor a profile")
	}
	return nil
}
