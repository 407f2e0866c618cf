package issuing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// errUnknownToken is the one answer to every access token that does not count.
var errUnknownToken = refuse(UnknownToken, "the token is unknown or expired")

// Check tells what an access token of the tenant stands for. It refuses with UnknownToken one that
// is forged, foreign, expired, or died early: revoked, its session deleted, its grant deleted or
// moved on, its user or client gone or not allowed any more, its password changed. Memory answers;
// only a token that memory does not know costs one bounded live read, and a reference token a call to
// the session store where that is not Kubernetes.
func (s *Service) Check(ctx context.Context, namespace, token string) (*Checked, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	o, err := s.open(ctx, t, ring, token)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	if o.access.Expired(now) || o.access.NotYetValid(now) || isRevoked(t, o) {
		return nil, errUnknownToken
	}
	user, err := s.actor(t, o.access)
	if err != nil {
		return nil, err
	}
	if err := s.grantLives(ctx, t, o.access); err != nil {
		return nil, err
	}
	return &Checked{Access: o.access, Permissions: o.permissions, User: user}, nil
}

// open verifies a token, or finds that it has before.
func (s *Service) open(ctx context.Context, t *directory.Tenant, ring *keys.Ring, token string) (*opened, error) {
	if tokens.IsReference(token) {
		return s.openReference(ctx, t, ring, token)
	}
	digest := digestOf(t, token)
	if o, ok := s.checked.get(digest, ring); ok {
		return o, nil
	}
	o, err := openJWT(ring, token)
	if err != nil {
		return nil, err
	}
	return s.remember(digest, o)
}

func (s *Service) openReference(ctx context.Context, t *directory.Tenant, ring *keys.Ring, token string) (*opened, error) {
	digest := digestOf(t, token)
	o, known := s.checked.get(digest, ring)
	var name string
	if known {
		name = o.session.Name // the digest tells the token, and so what its session is called
	} else {
		name = tokens.SessionName(token)
	}
	session, err := s.session(ctx, ring, name)
	if err != nil {
		return nil, err
	}
	// Ring, name and seal are all that a session is opened from.
	if known && bytes.Equal(o.session.Spec.Sealed, session.Spec.Sealed) {
		return o, nil
	}
	if o, err = s.openSession(ring, session); err != nil {
		return nil, err
	}
	return s.remember(digest, o)
}

// openOnce is open for whoever has many tokens and asks for each of them seldom: it leaves the room
// in memory to the tokens that requests bring.
func (s *Service) openOnce(ctx context.Context, ring *keys.Ring, token string) (*opened, error) {
	if !tokens.IsReference(token) {
		return openJWT(ring, token)
	}
	session, err := s.session(ctx, ring, tokens.SessionName(token))
	if err != nil {
		return nil, err
	}
	return s.openSession(ring, session)
}

// session finds the session of a reference token.
func (s *Service) session(ctx context.Context, ring *keys.Ring, name string) (*v1alpha1.AuthSession, error) {
	session, err := s.Sessions.Session(ctx, ring.Tenant(), name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errUnknownToken
	case err != nil:
		return nil, unavailable(err)
	}
	return session, nil
}

func openJWT(ring *keys.Ring, token string) (*opened, error) {
	access, keyID, err := tokens.Verify(ring, token)
	if err != nil {
		return nil, errUnknownToken
	}
	return &opened{access: access, keyID: keyID, ring: ring}, nil
}

// remember compiles what an opened token permits, and keeps it.
func (s *Service) remember(digest tokenDigest, o *opened) (*opened, error) {
	permissions := o.access.ACL
	if o.access.Dialect == tokens.OAuth2 {
		permissions = o.access.Scopes
	}
	var err error
	if o.permissions, err = scopes.Compile(permissions); err != nil {
		return nil, errUnknownToken
	}
	s.checked.put(digest, o)
	return o, nil
}

// actor finds who a token speaks for, and refuses where they may not act any more.
func (s *Service) actor(t *directory.Tenant, a *tokens.Access) (*directory.User, error) {
	if a.Dialect == tokens.OAuth2 {
		client, ok := t.ClientByID(a.ClientID)
		if !ok || !t.ClientStanding(client).Good() {
			return nil, errUnknownToken
		}
		if isClientsOwn(a) {
			return nil, nil //nolint:nilnil // a client that acts for itself has no user
		}
	}
	user, ok := t.UserBySubject(a.Subject)
	if !ok || !t.UserStanding(user, s.Clock.Now()).Good() {
		return nil, errUnknownToken
	}
	if a.CredentialVersion != "" && !s.goodPassword(t, user, a.CredentialVersion) {
		return nil, errUnknownToken
	}
	return user, nil
}

// grantLives refuses a token whose grant is gone, stopped, or has moved to another epoch.
func (s *Service) grantLives(ctx context.Context, t *directory.Tenant, a *tokens.Access) error {
	if a.GrantID == "" {
		return nil
	}
	g, err := s.grantOf(ctx, t, grantRef{namespace: a.GrantNamespace, id: a.GrantID, epoch: a.Epoch})
	switch {
	case errors.Is(err, errNoGrant):
		return errUnknownToken
	case err != nil:
		return unavailable(err)
	}
	if !s.carries(t, g, a) {
		return errUnknownToken
	}
	return nil
}

// carries tells whether a grant as it stands is good for a token of it.
func (s *Service) carries(t *directory.Tenant, g *directory.Grant, a *tokens.Access) bool {
	ended := g.Spec.ExpiresAt != nil && !s.Clock.Now().Before(g.Spec.ExpiresAt.Time)
	if ended || g.Spec.EffectiveEpoch() != a.Epoch || g.Spec.EffectiveState() != v1alpha1.GrantStateActive {
		return false
	}
	return a.GrantNamespace == "" || consented(t, g, a)
}

// consented tells whether a grant in another namespace may still be used for what a token of it says:
// whoever holds that namespace may have made it again for somebody else, who permits it.
func consented(t *directory.Tenant, g *directory.Grant, a *tokens.Access) bool {
	user, ok := t.UserOf(g)
	if !ok || user.Subject() != a.Subject {
		return false
	}
	if a.Dialect == tokens.Wazo {
		return g.Spec.IsWazo() && g.Spec.ClientID == a.ClientID
	}
	client, ok := t.ClientOf(g)
	return ok && client.EffectiveClientID() == a.ClientID
}

// digestOf keys the cache by tenant and token: no other tenant can hit upon the entry.
func digestOf(t *directory.Tenant, token string) tokenDigest {
	var scratch [1 << 10]byte // most tokens need no more, and then nothing is allocated
	keyed := append(append(scratch[:0], t.Namespace()...), 0)
	return sha256.Sum256(append(keyed, token...))
}
