package issuing

import (
	"cmp"
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Redemption is an authorization code, and what proves that it is the client's (RFC 6749 §4.1.3,
// RFC 7636 §4.5).
type Redemption struct {
	Code, Verifier sensitive.String
	RedirectURI    string
	// UserAgent is what the client calls itself. Where that is a server it is not the user's browser, of
	// which a code tells nothing. Source is the client's address as text.
	UserAgent, Source string
}

// redeemed is a code that a client may redeem, and what it comes to now.
type redeemed struct {
	*AuthenticatedClient
	code  *tokens.Code
	terms *Terms // those of the access token
	from  login
	// grant is the one that the code makes, and place where it goes; nil where no refresh token is due.
	grant *v1alpha1.RefreshTokenGrant
	place place
}

// CodeGrant is RFC 6749 §4.1.3: the tokens that a user let the client have. It costs one write,
// whose name is a digest of the code: the second use of a code finds it, on whatever replica, and
// ends what the first one got. The wish may narrow the audiences of the access token (RFC 8707 §2.2).
func (s *Service) CodeGrant(ctx context.Context, c *AuthenticatedClient, presented Redemption, wish Wish) (issued *Issued, err error) {
	asked := c.attempt(metrics.OAuth2AuthorizationCode)
	defer func() { s.conclude(ctx, asked, issued, err) }()
	if err := c.may(v1alpha1.GrantTypeAuthorizationCode); err != nil {
		return nil, err
	}
	code, err := s.codeOf(c, presented)
	if err != nil {
		return nil, err
	}
	asked.subject = code.Subject
	// Before anything else can refuse it: who fills what the user may have must not keep a reuse unseen.
	if err := s.usedBefore(ctx, c, code); err != nil {
		return nil, err
	}
	r, err := s.redeem(ctx, c, code, presented, wish)
	if err != nil {
		return nil, cmp.Or(s.usedElsewhere(ctx, c, code), err)
	}
	issued, err = s.mintFor(ctx, r)
	if err == nil && r.grant != nil {
		issued.RefreshToken, err = refreshToken(r.ring, r.grant)
	}
	return issued, err
}

// errCode is the one answer to every code that does not count.
var errCode = refuse(InvalidGrant, "the code is not good for this client, redirect_uri and code_verifier")

// codeOf reads a code that the client may redeem: its own, in time, with the redirect URI and the
// verifier of the request that it came of.
func (s *Service) codeOf(c *AuthenticatedClient, presented Redemption) (*tokens.Code, error) {
	code, err := tokens.OpenCode(c.ring, presented.Code.Reveal())
	switch {
	case err != nil, code.Expired(s.now()), code.ClientID != c.client.EffectiveClientID():
		return nil, errCode
	case (code.RedirectSent || presented.RedirectURI != "") && presented.RedirectURI != code.RedirectURI:
		return nil, errCode
	case !verifies(presented.Verifier, code.Challenge):
		return nil, errCode
	}
	return code, nil
}

// redeem looks at the user of a code again, since a minute is long enough for a password to change, and
// at what the client gets. It writes nothing.
func (s *Service) redeem(ctx context.Context, c *AuthenticatedClient, code *tokens.Code, presented Redemption, wish Wish) (*redeemed, error) {
	user := s.stillThere(c.tenant, code.Subject, code.CredentialVersion)
	if user == nil {
		return nil, errCode
	}
	terms, err := c.terms(user, Wish{Scopes: code.Scopes, Audiences: code.Audiences})
	if err != nil {
		return nil, err
	}
	if len(code.Scopes) == 0 { // none were granted, whatever the client's defaults have become
		terms.Scopes, terms.Profile = nil, nil
	}
	r := &redeemed{AuthenticatedClient: c, code: code, terms: terms, from: login{
		at: code.AuthTime, credentialVersion: code.CredentialVersion,
		userAgent: clipUserAgent(presented.UserAgent), remoteAddress: presented.Source,
	}}
	if c.client.Spec.AllowsGrantType(v1alpha1.GrantTypeRefreshToken) {
		if err := s.planGrant(r); err != nil {
			return nil, err
		}
	}
	if err := terms.narrow(Wish{Audiences: wish.Audiences}); err != nil {
		return nil, err
	}
	if r.grant == nil { // whatever the token is like, a second use of the code leaves a revocation
		if err := s.roomForRevocation(c.tenant, terms); err != nil {
			return nil, err
		}
	}
	return r, s.roomForToken(ctx, c.tenant, c.ring, terms)
}

// planGrant decides on the grant that a code makes, and ties the terms to it. The grant has all that
// the user allowed, whatever the first access token is narrowed to.
func (s *Service) planGrant(r *redeemed) error {
	id, err := tokens.NewID(s.Rand)
	if err != nil {
		return unavailable(err)
	}
	g := endpointGrant(r.ring, r.code.GrantName(), r.terms.User, r.from)
	g.Spec.ID = id
	g.Spec.ClientRef = &v1alpha1.ClientReference{Name: r.client.Name}
	g.Spec.Scopes, g.Spec.Audiences = r.terms.Scopes, r.terms.Audiences
	g.Spec.Login.IssuedAt = metav1.NewTime(s.now())
	g.Spec.Login.CodeExpiresAt = &metav1.Time{Time: r.code.ExpiresAt}
	if r.place, err = s.placeFor(r.tenant, g, nil); err != nil {
		return err
	}
	r.grant = g
	r.terms.standOn(&directory.Grant{RefreshTokenGrant: g})
	return nil
}

// mintFor makes the access token of a code, and writes that the code was used. A JWT is made before the
// write: it may turn out too large, which must not cost the code. A session is written after it, for a
// code that counts.
func (s *Service) mintFor(ctx context.Context, r *redeemed) (issued *Issued, err error) {
	if r.terms.Format == revision.FormatJWT {
		if issued, err = s.mintAs(ctx, r.tenant, r.ring, r.terms, r.from, r.code.TokenID()); err != nil {
			return nil, err
		}
	}
	if err = s.spend(ctx, r); err != nil {
		return nil, err
	}
	if issued == nil {
		issued, err = s.mintAs(ctx, r.tenant, r.ring, r.terms, r.from, r.code.TokenID())
	}
	return issued, err
}

// spend writes what shows that a code was used: the grant of the client's refresh token or, where none
// is due, a TokenRevocation of no token. Its name is the lock: whoever comes second ends what the first
// one got.
func (s *Service) spend(ctx context.Context, r *redeemed) error {
	if r.grant == nil {
		isFirst, err := s.writeRevocation(ctx, r.tenant, r.code.MarkerName(), r.code.ExpiresAt, v1alpha1.RevocationOfCode)
		if err == nil && !isFirst {
			err = s.endTokenOf(ctx, r.AuthenticatedClient, r.code)
		}
		return err
	}
	standing, err := s.Store.CreateGrant(ctx, r.grant)
	switch {
	case errors.Is(err, store.ErrExists):
		return s.endGrantOf(ctx, r.AuthenticatedClient, &directory.Grant{RefreshTokenGrant: standing})
	case err != nil:
		return unavailable(err)
	}
	return s.giveWay(ctx, r.tenant, r.place)
}
