package revision

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// digestVersion opens every digest. It changes when the meaning or the order
// of what follows changes, and with it every token is issued anew once.
const digestVersion = "grantkeeper.dev/v1/ask"

// Format is the shape of an access token.
type Format string

// The formats of an access token.
const (
	// FormatJWT is a self-contained, signed token (RFC 9068, or wazo's dialect).
	FormatJWT Format = "JWT"
	// FormatReference is an opaque token whose content a sealed session holds.
	FormatReference Format = "Reference"
)

// Profile is what a token says about the person. It is part of an Ask only
// where the granted scopes let it into the token, so that a changed surname
// does not re-issue tokens that never carried one.
type Profile struct {
	Name, GivenName, FamilyName string
	Email                       string
	EmailVerified               bool
}

// Ask is everything that fixes the bytes of a grant's access token, but for
// the second it is issued in and the key that signs it. When to renew is not
// part of it: a token does not change because it will be replaced earlier.
type Ask struct {
	// Dialect is the wire dialect, in the words of package tokens.
	Dialect string
	// Issuer is the tenant's issuer, the iss claim.
	Issuer string
	// Subject is the user's subject, the sub claim.
	Subject string
	// ClientID is the effective client_id.
	ClientID string
	// Audiences is the aud claim, in order.
	Audiences []string
	// Scopes are the concrete scopes of an OAuth2 token, in order.
	Scopes []string
	// ACL are the patterns of a wazo token, in order.
	ACL []string
	// Profile is nil where the token says nothing about the person.
	Profile *Profile
	// Format is the shape of the token.
	Format Format
	// Algorithm names the signature algorithm; empty for a reference token,
	// which is not signed.
	Algorithm string
	// TTL is the lifetime, of which whole seconds count.
	TTL time.Duration
	// NotAfter is the earliest expiresAt of grant, user and client, past which
	// no token lives; zero where there is none. Whole seconds count.
	NotAfter time.Time
	// GrantID is the spec.id of the grant.
	GrantID string
	// Epoch is the spec.epoch of the grant.
	Epoch int64
	// GrantNamespace is where the grant is, where that is not the tenant itself:
	// two grants of one id in two namespaces share no token.
	GrantNamespace string
}

// ExpiresAt is the exp of a token issued at the given second: its lifetime
// later, or at NotAfter where that is earlier.
func (a *Ask) ExpiresAt(issuedAt time.Time) time.Time {
	end := issuedAt.Add(a.ttl())
	if bound := a.notAfter(); !bound.IsZero() && bound.Before(end) {
		return bound
	}
	return end
}

// Digest condenses the Ask for a token issued at the given second. Two equal
// digests mean equal inputs: every value is framed by its length, every list by
// its count. TTL and NotAfter enter as the expiry they lead to, so that an
// expiresAt years ahead can be moved without re-issuing a token of one hour.
func (a *Ask) Digest(issuedAt time.Time) [sha256.Size]byte {
	f := frame{}
	f.text(digestVersion)
	f.text(a.Dialect, a.Issuer, a.Subject, a.ClientID)
	f.list(a.Audiences)
	f.list(a.Scopes)
	f.list(a.ACL)
	f.profile(a.Profile)
	f.text(string(a.Format), a.Algorithm)
	f.number(a.ExpiresAt(issuedAt).Unix())
	f.text(a.GrantID)
	f.number(a.Epoch)
	if a.GrantNamespace != "" { // one frame more than any digest without it
		f.text(a.GrantNamespace)
	}
	return sha256.Sum256(f.bytes)
}

func (a *Ask) ttl() time.Duration { return a.TTL.Truncate(time.Second) }

func (a *Ask) notAfter() time.Time { return wholeSecond(a.NotAfter) }

// wholeSecond cuts the fraction of a second, and with it the monotonic reading
// and the zone: what is left is what a token can say.
func wholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(t.Unix(), 0).UTC()
}

// frame builds an unambiguous message: no two different sequences of values
// give the same bytes.
type frame struct{ bytes []byte }

func (f *frame) text(values ...string) {
	for _, value := range values {
		f.bytes = binary.BigEndian.AppendUint64(f.bytes, uint64(len(value)))
		f.bytes = append(f.bytes, value...)
	}
}

func (f *frame) number(value int64) {
	f.bytes = binary.BigEndian.AppendUint64(f.bytes, 8)
	f.bytes = binary.BigEndian.AppendUint64(f.bytes, uint64(value))
}

func (f *frame) list(values []string) {
	f.number(int64(len(values)))
	f.text(values...)
}

func (f *frame) profile(p *Profile) {
	if p == nil {
		f.list(nil)
		return
	}
	verified := "unverified"
	if p.EmailVerified {
		verified = "verified"
	}
	f.list([]string{p.Name, p.GivenName, p.FamilyName, p.Email, verified})
}
