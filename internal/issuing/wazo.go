package issuing

import (
	"context"
	"errors"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/store"
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
	if err := unregistered(t, request.ClientID); err != nil {
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

// unregistered refuses a client_id that names an AuthClient.
func unregistered(t *directory.Tenant, clientID string) error {
	if _, registered := t.ClientByID(clientID); registered {
		return refuse(InvalidClient, "the client_id is that of a registered client")
	}
	return nil
}

// errTooManySessions is that of a user who has as many live sessions as allowed.
var errTooManySessions = refuse(TooManySessions, "there are too many live sessions")

// offline adds the refresh token of user and client_id to a login. A login that the user has no
// session left for is refused before it ends anything.
func (s *Service) offline(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms, from login) (*Issued, error) {
	if liveSessions(t, terms.Subject, from.at) >= sessionLimit(terms.User) {
		return nil, errTooManySessions
	}
	revoked, err := s.endMobile(ctx, t, terms, from.mobile)
	if err != nil {
		return nil, err
	}
	wanted := offlineLoginGrant(ring, terms.User, terms.ClientID, from)
	grant, err := s.grantFor(ctx, t, wanted)
	if err != nil {
		return nil, err
	}
	if from.mobile && grant.RefreshTokenGrant != wanted {
		grant, err = s.renewMobile(ctx, t, grant, wanted)
		if err != nil {
			return nil, err
		}
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

// endMobile makes room for a mobile login: the user's other mobile grants end, and with them their
// sessions and those of this client_id's grant, whatever it is. It counts the sessions that end.
func (s *Service) endMobile(ctx context.Context, t *directory.Tenant, terms *Terms, mobile bool) (revoked int, err error) {
	if !mobile {
		return 0, nil
	}
	for _, g := range t.EndpointGrants(terms.Subject) {
		ours := g.Spec.ClientID == terms.ClientID
		if !g.Spec.IsWazo() || !ours && !isMobile(g.RefreshTokenGrant) {
			continue
		}
		if !ours {
			if err := s.Store.DeleteGrant(ctx, g.RefreshTokenGrant); err != nil {
				return 0, unavailable(err)
			}
		}
		ended, err := s.endSessions(ctx, t, g.Spec.ID)
		if err != nil {
			return 0, err
		}
		revoked += ended
	}
	return revoked, nil
}

// endSessions deletes the sessions of a grant, so that they count towards no limit, and counts
// those that were live.
func (s *Service) endSessions(ctx context.Context, t *directory.Tenant, grantID string) (ended int, err error) {
	now := s.now()
	for _, session := range t.SessionsOfGrant(grantID) {
		if err := s.Store.DeleteSession(ctx, t.Namespace(), session.Name); err != nil {
			return 0, unavailable(err)
		}
		if now.Before(session.Spec.ExpiresAt.Time) {
			ended++
		}
	}
	return ended, nil
}

// renewMobile gives a mobile login a refresh token of its own where a grant stood before it: one of
// a login that was not mobile gives way, for how a grant was made does not change; one of a mobile
// login moves its epoch, so that its refresh token and all its sessions die. Memory may lag behind
// an earlier login: what it shows is then found to be out of date, and read anew.
func (s *Service) renewMobile(ctx context.Context, t *directory.Tenant, g *directory.Grant, wanted *v1alpha1.RefreshTokenGrant) (*directory.Grant, error) {
	standing := g.RefreshTokenGrant
	if !isMobile(standing) {
		if err := s.Store.DeleteGrant(ctx, standing); err != nil && !errors.Is(err, store.ErrConflict) {
			return nil, unavailable(err)
		}
		var err error
		if standing, err = s.createGrant(ctx, t, wanted); err != nil {
			return nil, err
		}
		if standing == wanted {
			return &directory.Grant{RefreshTokenGrant: wanted}, nil
		}
	}
	moved, err := s.Store.MoveEpoch(ctx, standing)
	if errors.Is(err, store.ErrConflict) {
		if standing, err = s.Live.GrantByID(ctx, t.Namespace(), standing.Spec.ID); err == nil {
			moved, err = s.Store.MoveEpoch(ctx, standing)
		}
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return &directory.Grant{RefreshTokenGrant: moved}, nil
}

func isMobile(g *v1alpha1.RefreshTokenGrant) bool { return g.Spec.Login != nil && g.Spec.Login.Mobile }

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
