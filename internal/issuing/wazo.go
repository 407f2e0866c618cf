package issuing

import (
	"context"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Login is a wazo login with a password.
type Login struct {
	Credentials
	// Lifetime is how long the access token shall live.
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
func (s *Service) Login(ctx context.Context, namespace string, request Login) (*Issued, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	if _, registered := t.ClientByID(request.ClientID); registered {
		return nil, refuse(InvalidClient, "the client_id is that of a registered client")
	}
	user, version, err := s.authenticateUser(ctx, t, request.Credentials)
	if err != nil {
		return nil, err
	}
	from := login{
		at: s.now(), credentialVersion: version, mobile: request.Mobile,
		userAgent: clipUserAgent(request.UserAgent), remoteAddress: request.Source,
	}
	terms := wazoTerms(ring, user, request.ClientID, request.Lifetime)
	if !request.Offline {
		return s.mint(ctx, t, ring, terms, from)
	}
	return s.offline(ctx, t, ring, terms, from)
}

// Refresh makes a new reference token, with one write, from a refresh token of the same client_id.
func (s *Service) Refresh(ctx context.Context, namespace, token string, request Login) (*Issued, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	g, err := s.presentedGrant(ctx, t, ring, token)
	if err != nil {
		return nil, err
	}
	if !g.Spec.IsWazo() || g.Spec.ClientID != request.ClientID {
		return nil, errRefreshToken
	}
	terms, standing := GrantTerms(t, g, s.now())
	if !standing.Good() {
		return nil, errRefreshToken
	}
	terms.TTL = request.Lifetime
	from := login{at: loginOf(g).at, mobile: request.Mobile, userAgent: clipUserAgent(request.UserAgent), remoteAddress: request.Source}
	// A refresh token outlives a changed password here; what it gives is bound to today's.
	if g.EndpointMade() {
		from.credentialVersion, _ = t.CredentialVersion(terms.User)
	}
	return s.mint(ctx, t, ring, &terms, from)
}

// offline adds the refresh token of user and client_id to a login.
func (s *Service) offline(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, from login) (*Issued, error) {
	revoked, err := s.endMobile(ctx, t, terms.User, terms.ClientID, from.mobile)
	if err != nil {
		return nil, err
	}
	grant, err := s.grantFor(ctx, t, offlineLoginGrant(ring, terms.User, terms.ClientID, from))
	if err != nil {
		return nil, err
	}
	grant, err = s.renewMobile(ctx, grant, from)
	if err != nil {
		return nil, err
	}
	terms.GrantID, terms.Epoch = grant.Spec.ID, grant.Spec.EffectiveEpoch()
	issued, err := s.mint(ctx, t, ring, terms, from)
	if err != nil {
		return nil, err
	}
	issued.SessionsRevoked = revoked
	issued.RefreshToken, err = refreshToken(ring, grant.RefreshTokenGrant)
	return issued, err
}

// endMobile makes room for a mobile login: the user's other mobile grants end, with their
// sessions, and so do the sessions of the same client_id. It counts the sessions that end.
func (s *Service) endMobile(ctx context.Context, t *directory.Tenant, user *directory.User, clientID string, mobile bool) (revoked int, err error) {
	if !mobile {
		return 0, nil
	}
	for _, g := range t.EndpointGrants(user.Subject()) {
		if !g.Spec.IsWazo() || g.Spec.Login == nil || !g.Spec.Login.Mobile {
			continue
		}
		revoked += len(t.SessionsOfGrant(g.Spec.ID))
		if g.Spec.ClientID == clientID {
			continue
		}
		if err := s.Store.DeleteGrant(ctx, g.RefreshTokenGrant); err != nil {
			return 0, unavailable(err)
		}
	}
	return revoked, nil
}

// renewMobile moves the epoch of a grant that an earlier mobile login made, so that its refresh
// token and its sessions die and the new login gets its own.
func (s *Service) renewMobile(ctx context.Context, g *directory.Grant, from login) (*directory.Grant, error) {
	made := g.Spec.Login
	if !from.mobile || made == nil || !made.IssuedAt.Time.Before(from.at) {
		return g, nil
	}
	moved, err := s.Store.MoveEpoch(ctx, g.RefreshTokenGrant)
	if err != nil {
		return nil, unavailable(err)
	}
	return &directory.Grant{RefreshTokenGrant: moved}, nil
}

// wazoTerms are those of a login: the user's whole acl, for as long as was asked.
func wazoTerms(ring *keys.Ring, user *directory.User, clientID string, lifetime time.Duration) *Terms {
	issuer := ring.Tenant().Issuer
	return &Terms{User: user, Ask: revision.Ask{
		Dialect:   string(tokens.Wazo),
		Issuer:    issuer,
		Subject:   user.Subject(),
		ClientID:  clientID,
		Audiences: []string{issuer},
		ACL:       aclOf(nil, user.Spec.Scopes),
		Format:    revision.FormatReference,
		TTL:       lifetime,
		NotAfter:  earliest(user.Spec.ExpiresAt),
	}}
}
