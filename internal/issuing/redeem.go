package issuing

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
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
	UserAgent      string
	// Source is the client's address as text.
	Source string
}

// redeemed is a code that a client may redeem, and what it comes to now.
type redeemed struct {
	*AuthenticatedClient
	code  *tokens.Code
	terms *Terms // those of the grant
	wish  Wish   // what of it the access token shall carry
	from  login
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
	r, err := s.redeem(ctx, c, code, presented, wish)
	if err != nil {
		return nil, err
	}
	if c.client.Spec.AllowsGrantType(v1alpha1.GrantTypeRefreshToken) {
		return s.redeemForGrant(ctx, r)
	}
	return s.redeemOnce(ctx, r)
}

// errCode is the one answer to every code that does not count.
var errCode = refuse(InvalidGrant, "the code is not good for this client, redirect_uri and code_verifier")

// errCodeReused ends what a code has given. Its words are those of every code that does not count.
var errCodeReused = refuse(CodeReused, "%s", errCode.Description)

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

// redeem looks at the user of a code again: a minute is long enough for a password to change.
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
	r := &redeemed{AuthenticatedClient: c, code: code, terms: terms, wish: Wish{Audiences: wish.Audiences}, from: login{
		at: code.AuthTime, credentialVersion: code.CredentialVersion,
		userAgent: clipUserAgent(presented.UserAgent), remoteAddress: presented.Source,
	}}
	return r, s.roomForSession(ctx, c.tenant, c.ring, terms)
}

// mintFor makes the access token of a code. A JWT is made before the write: it may turn out too
// large, which must not cost the code. A session is written after it, for a code that counts.
func (s *Service) mintFor(ctx context.Context, r *redeemed, write func() error) (*Issued, error) {
	narrowed := *r.terms
	if err := narrowed.narrow(r.wish); err != nil {
		return nil, err
	}
	mint := func() (*Issued, error) {
		return s.mintAs(ctx, r.tenant, r.ring, &narrowed, r.from, r.code.TokenID())
	}
	if narrowed.Format != revision.FormatJWT {
		if err := write(); err != nil {
			return nil, err
		}
		return mint()
	}
	issued, err := mint()
	if err == nil {
		err = write()
	}
	if err != nil {
		return nil, err
	}
	return issued, nil
}

// redeemForGrant makes the grant that the client's refresh token is of.
func (s *Service) redeemForGrant(ctx context.Context, r *redeemed) (*Issued, error) {
	if used, ok := r.tenant.Grant(r.code.GrantName()); ok {
		return nil, s.reused(ctx, r, used)
	}
	wanted, err := s.codeGrant(r)
	if err != nil {
		return nil, err
	}
	found, err := s.placeFor(r.tenant, wanted, nil)
	if err != nil {
		return nil, err
	}
	r.terms.standOn(&directory.Grant{RefreshTokenGrant: wanted})
	issued, err := s.mintFor(ctx, r, func() error {
		standing, err := s.Store.CreateGrant(ctx, wanted)
		switch {
		case errors.Is(err, store.ErrExists):
			return s.reused(ctx, r, &directory.Grant{RefreshTokenGrant: standing})
		case err != nil:
			return unavailable(err)
		}
		return s.giveWay(ctx, r.tenant, found)
	})
	if err != nil {
		return nil, err
	}
	issued.RefreshToken, err = refreshToken(r.ring, wanted)
	return issued, err
}

// codeGrant is the grant that a code makes.
func (s *Service) codeGrant(r *redeemed) (*v1alpha1.RefreshTokenGrant, error) {
	id, err := tokens.NewReference(s.Rand)
	if err != nil {
		return nil, unavailable(err)
	}
	g := endpointGrant(r.ring, r.code.GrantName(), r.terms.User, r.from)
	g.Spec.ID = id
	g.Spec.ClientRef = &v1alpha1.ClientReference{Name: r.client.Name}
	g.Spec.Scopes, g.Spec.Audiences = r.terms.Scopes, r.terms.Audiences
	g.Spec.Login.IssuedAt = metav1.NewTime(s.now())
	g.Spec.Login.CodeExpiresAt = &metav1.Time{Time: r.code.ExpiresAt}
	return g, nil
}

// reused ends the grant of a code that came again: one of the two who had it is a thief
// (RFC 6749 §4.1.2).
func (s *Service) reused(ctx context.Context, r *redeemed, g *directory.Grant) error {
	for range maxUses {
		if g.Spec.EffectiveState() == v1alpha1.GrantStateRevoked {
			return errCodeReused
		}
		err := s.revokeCopied(ctx, r.tenant, g.RefreshTokenGrant, endedByCode)
		switch {
		case err == nil:
			return errCodeReused
		case !errors.Is(err, store.ErrConflict):
			return unavailable(err)
		}
		if g, err = s.liveGrant(ctx, r.tenant, r.tenant.Namespace(), g.Spec.ID); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(errContended)
}

// redeemOnce gives an access token alone. What shows that the code was used is a TokenRevocation, of
// no token, that ends with it.
func (s *Service) redeemOnce(ctx context.Context, r *redeemed) (*Issued, error) {
	return s.mintFor(ctx, r, func() error {
		isFirst, err := s.writeRevocation(ctx, r.tenant, r.code.MarkerName(), r.code.ExpiresAt, reasonRedeemed)
		switch {
		case err != nil:
			return err
		case isFirst:
			return nil
		}
		return s.endTokenOf(ctx, r)
	})
}

// endTokenOf ends the access token that a code has given before. It may have been given at the
// latest now, and so lives no longer than one that is.
func (s *Service) endTokenOf(ctx context.Context, r *redeemed) error {
	end := r.terms.ExpiresAt(s.now())
	isFirst, err := s.writeRevocation(ctx, r.tenant, r.code.TokenID(), end, reasonReused)
	if err != nil {
		return err
	}
	if isFirst {
		s.recordCodeReused(ctx, r, end)
	}
	return errCodeReused
}

// recordCodeReused records that the access token of a code was ended.
func (s *Service) recordCodeReused(ctx context.Context, r *redeemed, end time.Time) {
	s.Audit.Record(ctx, audit.Record{
		Event:     audit.TokenRevoked,
		Tenant:    r.tenant.Namespace(),
		Dialect:   metrics.DialectOAuth2,
		Subject:   r.code.Subject,
		Username:  r.terms.User.EffectiveUsername(),
		ClientID:  r.code.ClientID,
		TokenID:   r.code.TokenID(),
		ExpiresAt: end,
		Reason:    endedByCode,
	})
}
