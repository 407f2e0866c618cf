package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// ProvePassword tells whether somebody knows the password of a user, at the cost and under the lockout of
// a login with the username. source is the client's address as text. It refuses with InvalidGrant,
// LockedOut or Unavailable. Nothing is issued, and nothing written.
func (s *Service) ProvePassword(ctx context.Context, t *directory.Tenant, user *directory.User, password sensitive.String, source string) error {
	proven, _, err := s.authenticateUser(ctx, t, Credentials{Login: user.EffectiveUsername(), Password: password, Source: source})
	if err != nil {
		return err
	}
	if proven.Subject() != user.Subject() {
		return errPassword
	}
	return nil
}

// EndLogins deletes the grants that the logins of a user made, who is gone: its tokens have died with it,
// and a user who is made again with the same subject must not bring them back.
func (s *Service) EndLogins(ctx context.Context, t *directory.Tenant, subject string) error {
	for _, g := range t.EndpointGrants(subject) {
		if err := s.deleteGrant(ctx, t, g.RefreshTokenGrant, endedByUser); err != nil {
			return unavailable(err)
		}
		s.Directory.Remove(g.RefreshTokenGrant)
	}
	return nil
}
