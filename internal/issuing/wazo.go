package issuing

import (
	"context"
	"errors"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Login is a wazo login with a password.
type Login struct {
	Credentials
	// Lifetime is how long the access token shall live; zero for as long as the tenant has it.
	Lifetime time.Duration
	// ClientID is a free string; empty where none was given. One that names an AuthClient is
	// refused: the dialects are walled off from each other.
	ClientID string
	// Offline asks for a refresh token, and needs a ClientID.
	Offline   bool
	Mobile    bool
	UserAgent string
}

// Login makes a reference token, with one write, for a user who proves the password. Offline it
// also gives the refresh token of this user and client_id: the same one each time, but for a
// mobile session.
func (s *Service) Login(ctx context.Context, namespace string, request Login) (issued *Issued, err error) {
	asked := attempt{flow: metrics.WazoPassword, tenant: namespace, login: request.Login}
	defer func() { s.conclude(ctx, asked, issued, err) }()
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	if err := unregistered(t, request.ClientID); err != nil {
		return nil, err
	}
	user, version, err := s.authenticateUser(ctx, t, request.Credentials)
	if err != nil {
		return nil, err
	}
	from := login{
		at: s.now(), credentialVersion: version, mobile: request.Mobile,
		userAgent: clipUserAgent(request.UserAgent), remoteAddress: request.Source,
	}
	terms, err := wazoTerms(t, ring, user, request)
	if err != nil {
		return nil, err
	}
	if !request.Offline {
		return s.mint(ctx, t, ring, terms, from)
	}
	return s.offline(ctx, t, ring, terms, from)
}

// Refresh makes a new reference token, with one write, from a refresh token of the same client_id.
func (s *Service) Refresh(ctx context.Context, namespace, token string, request Login) (issued *Issued, err error) {
	asked := attempt{flow: metrics.WazoRefreshToken, tenant: namespace, refreshToken: token}
	defer func() { s.conclude(ctx, asked, issued, err) }()
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	if err := unregistered(t, request.ClientID); err != nil {
		return nil, err
	}
	presented, g, err := s.presentedGrant(ctx, t, ring, token)
	if err != nil {
		return nil, err
	}
	if !g.Spec.IsWazo() || g.Spec.ClientID != request.ClientID || presented.Generation != g.Spec.EffectiveGeneration() {
		return nil, errRefreshToken
	}
	terms, standing := GrantTerms(t, g, s.now())
	if !standing.Good() {
		return nil, errRefreshToken
	}
	if own := g.Spec.AccessToken; request.Lifetime > 0 && (own == nil || own.TTL == nil) {
		terms.TTL = request.Lifetime // the default that stands there is for whoever does not ask
	} else if request.Lifetime > 0 {
		terms.TTL = min(terms.TTL, request.Lifetime)
	}
	from := login{at: loginOf(g).at, mobile: request.Mobile, userAgent: clipUserAgent(request.UserAgent), remoteAddress: request.Source}
	if g.EndpointMade() {
		if from.credentialVersion, err = passwordOfToday(t, terms.User); err != nil {
			return nil, err
		}
	}
	return s.mint(ctx, t, ring, &terms, from)
}

// passwordOfToday is the credential version that a refresh is bound to: a login's refresh token
// outlives a changed password here, and what it gives does not. Without one the token would outlive
// them all, so there is none: not for a user who has no password any more, and not while it cannot
// be read.
func passwordOfToday(t *directory.Tenant, user *directory.User) (version string, err error) {
	version, ok := t.CredentialVersion(user)
	switch {
	case ok:
		return version, nil
	case user.Spec.Password != nil:
		return "", unavailable(errors.New("the user's password cannot be read"))
	}
	return "", errRefreshToken
}

// unregistered refuses a client_id that names an AuthClient.
func unregistered(t *directory.Tenant, clientID string) error {
	if _, registered := t.ClientByID(clientID); registered {
		return refuse(InvalidClient, "the client_id is that of a registered client")
	}
	return nil
}

// offline adds the refresh token of user and client_id to a login. A login that there is no session
// or no grant left for, or whose grant may not be used, is refused before it ends anything.
func (s *Service) offline(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, from login) (*Issued, error) {
	if err := s.roomForToken(ctx, t, ring, terms); err != nil {
		return nil, err
	}
	wanted := offlineLoginGrant(ring, terms.User, terms.ClientID, from)
	ending := otherMobile(t, wanted)
	found, err := s.placeFor(t, wanted, ending)
	if err != nil {
		return nil, err
	}
	revoked, err := s.endMobile(ctx, t, ring, wanted, ending)
	if err != nil {
		return nil, err
	}
	grant, err := s.take(ctx, t, found, wanted)
	if err != nil {
		return nil, err
	}
	if from.mobile && grant.RefreshTokenGrant != wanted {
		grant, err = s.renewMobile(ctx, t, grant, wanted)
		if err != nil {
			return nil, err
		}
	}
	terms.standOn(grant)
	issued, err := s.mint(ctx, t, ring, terms, from)
	if err != nil {
		return nil, err
	}
	issued.SessionsRevoked = revoked
	issued.RefreshToken, err = refreshToken(ring, grant.RefreshTokenGrant)
	return issued, err
}

// wazoTerms are those of a login: the user's whole acl, for as long as was asked.
func wazoTerms(t *directory.Tenant, ring *keys.Ring, user *directory.User, request Login) (*Terms, error) {
	issuer, settings := ring.Tenant().Issuer, t.Settings()
	terms := &Terms{User: user, Ask: revision.Ask{
		Dialect:   string(tokens.Wazo),
		Issuer:    issuer,
		Subject:   user.Subject(),
		ClientID:  request.ClientID,
		Audiences: []string{issuer},
		ACL:       aclOf(nil, user.Spec.Scopes),
		TTL:       request.Lifetime,
		NotAfter:  earliest(user.Spec.ExpiresAt),
	}}
	terms.setFormat(settings.EffectiveWazoFormat(), keys.ES256)
	if terms.TTL == 0 {
		ttl, err := settings.EffectiveWazoTTL().Parse()
		if err != nil {
			return nil, unavailable(err)
		}
		terms.TTL = ttl
	}
	return terms, nil
}
