package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Wish is what a client asks a token to carry. Absent parts mean what the client has by default.
type Wish struct {
	Scopes []string
	// Audiences are the `resource` parameters (RFC 8707).
	Audiences []string
}

// PasswordGrant is RFC 6749 §4.3: a token, and a refresh token where the client may refresh, for a
// user whose password the client presents. The first login with one password, set of scopes and
// audiences writes a grant; later ones find it and write nothing. Where the client's refresh tokens
// rotate, every login writes one.
func (s *Service) PasswordGrant(ctx context.Context, c *AuthenticatedClient, user Credentials, userAgent string, wish Wish) (issued *Issued, err error) {
	asked := c.attempt(metrics.OAuth2Password)
	asked.login = user.Login
	defer func() { s.conclude(ctx, asked, issued, err) }()
	if err := c.may(v1alpha1.GrantTypePassword); err != nil {
		return nil, err
	}
	u, version, err := s.authenticateUser(ctx, c.tenant, user)
	if err != nil {
		return nil, err
	}
	terms, err := c.terms(u, wish)
	if err != nil {
		return nil, err
	}
	from := login{at: s.now(), credentialVersion: version, userAgent: clipUserAgent(userAgent), remoteAddress: user.Source}
	if !c.client.Spec.AllowsGrantType(v1alpha1.GrantTypeRefreshToken) {
		return s.mint(ctx, c.tenant, c.ring, terms, from)
	}
	if err := s.roomForToken(ctx, c.tenant, c.ring, terms); err != nil {
		return nil, err
	}
	wanted, err := s.passwordLoginGrant(c, terms, from)
	if err != nil {
		return nil, err
	}
	found, err := s.placeFor(c.tenant, wanted, nil)
	if err != nil {
		return nil, err
	}
	grant, err := s.take(ctx, c.tenant, found, wanted)
	if err != nil {
		return nil, err
	}
	terms.standOn(grant)
	issued, err = s.mint(ctx, c.tenant, c.ring, terms, from)
	if err != nil {
		return nil, err
	}
	issued.RefreshToken, err = refreshToken(c.ring, grant.RefreshTokenGrant)
	return issued, err
}

// ClientCredentialsGrant is RFC 6749 §4.4: the client acts for itself. It gives no refresh token.
func (s *Service) ClientCredentialsGrant(ctx context.Context, c *AuthenticatedClient, wish Wish) (issued *Issued, err error) {
	defer func() { s.conclude(ctx, c.attempt(metrics.OAuth2ClientCredentials), issued, err) }()
	if err := c.may(v1alpha1.GrantTypeClientCredentials); err != nil {
		return nil, err
	}
	terms, err := c.terms(nil, wish)
	if err != nil {
		return nil, err
	}
	return s.mint(ctx, c.tenant, c.ring, terms, login{})
}

// RefreshGrant is RFC 6749 §6: a new access token from a refresh token of this client's. The wish
// may narrow what the grant has. The refresh token that comes back is the next one where the client's
// rotate, which costs a write, and else the same.
func (s *Service) RefreshGrant(ctx context.Context, c *AuthenticatedClient, token string, wish Wish) (issued *Issued, err error) {
	asked := c.attempt(metrics.OAuth2RefreshToken)
	asked.refreshToken = token
	defer func() { s.conclude(ctx, asked, issued, err) }()
	if err := c.may(v1alpha1.GrantTypeRefreshToken); err != nil {
		return nil, err
	}
	presented, g, err := s.presentedGrant(ctx, c.tenant, c.ring, token)
	if err == nil {
		g, err = s.newest(ctx, c, presented, g)
	}
	if err != nil {
		return nil, err
	}
	terms, err := s.refreshable(c, g)
	if err != nil {
		return nil, err
	}
	if err := terms.narrow(wish); err != nil {
		return nil, err
	}
	// A client that is told to come back later comes with the refresh token that it has. To have replaced
	// that would make a thief of it.
	if err := s.roomForToken(ctx, c.tenant, c.ring, terms); err != nil {
		return nil, err
	}
	issued, g, err = s.exchange(ctx, c, presented, g, terms)
	if err != nil {
		return nil, err
	}
	// It has one spelling: where its counters are the grant's own, deriving it anew would give this.
	if issued.RefreshToken = sensitive.New(token); presented.Generation != g.Spec.EffectiveGeneration() {
		issued.RefreshToken, err = refreshToken(c.ring, g.RefreshTokenGrant)
	}
	return issued, err
}

// exchange uses a refresh token and makes an access token for it, and gives the grant as it stands then.
// A JWT is made first: it may turn out too large, which must not cost the refresh token, and to make one
// writes nothing. A session is written last, for a refresh token that counts.
func (s *Service) exchange(ctx context.Context, c *AuthenticatedClient, presented tokens.Refresh, g *directory.Grant, terms *Terms) (issued *Issued, used *directory.Grant, err error) {
	if terms.Format == revision.FormatJWT {
		if issued, err = s.mint(ctx, c.tenant, c.ring, terms, loginOf(g)); err != nil {
			return nil, nil, err
		}
	}
	if used, err = s.use(ctx, c, presented, g); err != nil {
		return nil, nil, err
	}
	if issued == nil {
		issued, err = s.mint(ctx, c.tenant, c.ring, terms, loginOf(used))
	}
	return issued, used, err
}

// refreshable gives the terms of a grant that a client may refresh now.
func (s *Service) refreshable(c *AuthenticatedClient, g *directory.Grant) (*Terms, error) {
	terms, standing := GrantTerms(c.tenant, g, s.now())
	if !standing.Good() {
		return nil, errRefreshToken
	}
	from := loginOf(g)
	if from.credentialVersion != "" && !s.goodPassword(c.tenant, terms.User, from.credentialVersion) {
		return nil, errRefreshToken
	}
	if refreshTokenEnded(&c.client.Spec, g, s.now()) {
		return nil, errRefreshToken
	}
	return &terms, nil
}

// errRefreshToken is the one answer to every refresh token that does not count.
var errRefreshToken = refuse(InvalidGrant, "the refresh token is not good for this client")

// terms are those of a token that no grant stands behind; user is nil where the client acts for
// itself. Asking for more than is granted is an error: a token that lacks a scope fails later and
// further away.
func (c *registered) terms(user *directory.User, wish Wish) (*Terms, error) {
	if err := wish.check(); err != nil {
		return nil, err
	}
	issuer, settings := c.ring.Tenant().Issuer, c.tenant.Settings()
	terms := &Terms{User: user, Client: c.client, Ask: revision.Ask{
		Dialect:  string(tokens.OAuth2),
		Issuer:   issuer,
		Subject:  c.client.EffectiveClientID(),
		ClientID: c.client.EffectiveClientID(),
	}}
	var patterns *scopes.Patterns
	if user != nil {
		terms.Subject, patterns = user.Subject(), &user.Scopes
		terms.NotAfter = earliest(user.Spec.ExpiresAt)
	}
	var refused []string
	if terms.Scopes, refused = grantedScopes(wish.Scopes, c.client, patterns); len(refused) > 0 {
		return nil, refuse(InvalidScope, "not granted: %q", refused)
	}
	if terms.Audiences, refused = audiencesOf(wish.Audiences, c.client, settings, issuer); len(refused) > 0 {
		return nil, refuse(InvalidTarget, "not an audience of this client: %q", refused)
	}
	if user != nil {
		terms.Profile = profileOf(user.AuthUser, terms.Scopes)
	}
	ttl, err := c.client.Spec.EffectiveTTL(settings).Parse()
	if err != nil {
		return nil, unavailable(err)
	}
	terms.TTL = ttl
	terms.setFormat(c.client.Spec.EffectiveFormat(settings), keys.Algorithm(c.client.Spec.EffectiveSigningAlgorithm(settings)))
	return terms, nil
}

// standOn ties the terms of a login to the grant behind it, whose end is the token's, too.
func (terms *Terms) standOn(g *directory.Grant) {
	terms.GrantID, terms.Epoch = g.Spec.ID, g.Spec.EffectiveEpoch()
	terms.NotAfter = earliest(terms.User.Spec.ExpiresAt, g.Spec.ExpiresAt)
}

// narrow reduces a grant's terms to what a refresh asks for (RFC 6749 §6, RFC 8707 §2.2).
func (terms *Terms) narrow(wish Wish) error {
	if err := wish.check(); err != nil {
		return err
	}
	narrowed, beyond := subset(wish.Scopes, terms.Scopes)
	if len(beyond) > 0 {
		return refuse(InvalidScope, "beyond what was granted: %q", beyond)
	}
	audiences, beyond := subset(wish.Audiences, terms.Audiences)
	if len(beyond) > 0 {
		return refuse(InvalidTarget, "beyond what was granted: %q", beyond)
	}
	terms.Scopes, terms.Audiences = narrowed, audiences
	terms.Profile = profileOf(terms.User.AuthUser, narrowed)
	return nil
}

// How many scopes a grant may hold (spec.scopes), and how many bytes each, is what a request may ask
// for.
const (
	maxScopes      = 64
	maxScopeLength = 256
)

// check refuses what could not be granted to anybody.
func (w Wish) check() error {
	if len(w.Scopes) > maxScopes {
		return refuse(InvalidScope, "more than %d scopes", maxScopes)
	}
	for _, scope := range w.Scopes {
		if len(scope) > maxScopeLength {
			return refuse(InvalidScope, "a scope has more than %d bytes", maxScopeLength)
		}
		if err := scopes.Concrete(scope); err != nil {
			return refuse(InvalidScope, "%v", err)
		}
	}
	return nil
}

// presentedGrant reads a refresh token and finds its grant. Which generation of it the token is remains
// to be looked at.
func (s *Service) presentedGrant(ctx context.Context, t *directory.Tenant, ring *keys.Ring, token string) (tokens.Refresh, *directory.Grant, error) {
	presented, err := tokens.ParseRefresh(ring, token)
	if err != nil {
		return presented, nil, errRefreshToken
	}
	g, err := s.grantOf(ctx, t, grantRef{namespace: presented.GrantNamespace, id: presented.GrantID, epoch: presented.Epoch})
	switch {
	case errors.Is(err, errNoGrant):
		return presented, nil, errRefreshToken
	case err != nil:
		return presented, nil, unavailable(err)
	case !isOf(presented, g):
		return presented, nil, errRefreshToken
	}
	return presented, g, nil
}

// isOf tells whether a refresh token is one of the grant's as it stands, of whatever generation: that
// of a grant in another namespace is none of one here, though the ids be equal. That of an applied
// grant also has to be delivered still: who takes it out of the Secret means to retire
// it.
func isOf(presented tokens.Refresh, g *directory.Grant) bool {
	made := g.Spec.RefreshToken
	return made != nil && (g.EndpointMade() || g.Spec.DeliversRefreshToken()) &&
		presented.GrantNamespace == g.CrossesFrom() &&
		presented.KeyVersion == made.KeyVersion &&
		presented.Epoch == g.Spec.EffectiveEpoch()
}
