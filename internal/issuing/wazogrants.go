package issuing

import (
	"context"
	"errors"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// Why a refresh token of a user is not listed or ended.
var (
	// ErrUnknownGrant: the user has given no refresh token to a client of that name.
	ErrUnknownGrant = errors.New("there is no refresh token for this client_id")
	// ErrManagedExternally: the grant was applied, or stopped, by a person, who alone changes it.
	ErrManagedExternally = errors.New("the grant is not the endpoint's to end")
)

// WazoGrant is a grant of the wazo dialect as it may be told over HTTP.
type WazoGrant struct {
	ClientID string
	User     *directory.User
	// CreatedAt is when the refresh token was first given, in whole seconds; for an applied grant, when
	// that was applied.
	CreatedAt time.Time
	Mobile    bool
}

// WazoGrants lists the grants of a tenant's users to clients of the wazo dialect, in no order: those that
// logins made and those that were applied in its namespace. What was revoked is over and not among them.
// Memory answers.
func (s *Service) WazoGrants(namespace string) ([]WazoGrant, error) {
	t, _, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	return wazoGrants(t, t.Grants()), nil
}

// WazoGrantsOf is WazoGrants for one user of the tenant.
func (s *Service) WazoGrantsOf(namespace string, user *directory.User) ([]WazoGrant, error) {
	t, _, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	var held []*directory.Grant
	for _, name := range t.GrantsOfUser(user.Name) {
		if g, ok := t.Grant(name); ok {
			held = append(held, g)
		}
	}
	return wazoGrants(t, held), nil
}

// EndWazoGrant ends the grant that a user's logins gave to a client_id, and with it every token of it. An
// API client and a person with kubectl do the same thing: the object is deleted. ErrUnknownGrant, or
// ErrManagedExternally for a grant that is not wholly the endpoint's: one that was applied, and one that a
// person has stopped, for without it a login would make another.
func (s *Service) EndWazoGrant(ctx context.Context, namespace string, user *directory.User, clientID string) error {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return err
	}
	g, err := s.loginGrant(ctx, t, user, clientID)
	if err != nil {
		return err
	}
	if g.Spec.EffectiveState() != v1alpha1.GrantStateActive {
		return ErrManagedExternally
	}
	// The sessions first: they count towards limits, and who tries again has to find the grant.
	if _, err := s.endSessionsOfGrant(ctx, ring, g.Spec.ID); err != nil {
		return err
	}
	if err := s.deleteGrant(ctx, t, g.RefreshTokenGrant, endedByDeletion); err != nil {
		return unavailable(err)
	}
	s.Directory.Remove(g.RefreshTokenGrant)
	return nil
}

// loginGrant finds the grant that logins made, past memory where that does not know it: another replica
// may have made it just now.
func (s *Service) loginGrant(ctx context.Context, t *directory.Tenant, user *directory.User, clientID string) (*directory.Grant, error) {
	name := loginGrantName(user.Subject(), clientID)
	g, ok := t.Grant(name)
	if !ok {
		live, err := s.Live.Grant(ctx, t.Namespace(), name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, unavailable(err)
		}
		g = &directory.Grant{RefreshTokenGrant: live}
	}
	if g.RefreshTokenGrant != nil && g.EndpointMade() {
		return g, nil
	}
	for _, name := range t.GrantsOfUser(user.Name) {
		if applied, ok := t.Grant(name); ok && applied.Spec.IsWazo() && applied.Spec.ClientID == clientID {
			return nil, ErrManagedExternally
		}
	}
	return nil, ErrUnknownGrant
}

func wazoGrants(t *directory.Tenant, grants []*directory.Grant) []WazoGrant {
	var all []WazoGrant
	for _, g := range grants {
		user, ok := t.User(g.Spec.UserRef.Name)
		if !ok || !isListed(g, user) {
			continue
		}
		held := WazoGrant{ClientID: g.Spec.ClientID, User: user, CreatedAt: g.CreationTimestamp.Time}
		if g.EndpointMade() && g.Spec.Login != nil {
			held.CreatedAt, held.Mobile = g.Spec.Login.IssuedAt.Time, g.Spec.Login.Mobile
		}
		all = append(all, held)
	}
	return all
}

// isListed tells whether a grant is one of a user's to a client of the wazo dialect.
func isListed(g *directory.Grant, user *directory.User) bool {
	pinned := g.Spec.UserRef.Subject
	return g.Spec.IsWazo() && g.CrossesFrom() == "" && user.Subject() != "" &&
		(pinned == "" || pinned == user.Subject()) && g.Spec.EffectiveState() != v1alpha1.GrantStateRevoked
}
