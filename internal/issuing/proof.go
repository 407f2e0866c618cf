package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// ProvePassword tells whether somebody knows the password of a user, under the lockout of a login with the
// username, and before that under one of the user's own: whoever may rename the user gets no more guesses
// by it. source is the client's address as text. It refuses with InvalidGrant, LockedOut or Unavailable.
// Nothing is issued, and nothing written. A wrong password costs the work of two logins.
func (s *Service) ProvePassword(ctx context.Context, t *directory.Tenant, user *directory.User, password sensitive.String, source string) error {
	presented := Credentials{Login: user.EffectiveUsername(), Password: password, Source: source, account: user.Subject()}
	wrong := s.proves(ctx, t, user, presented)
	if wrong != nil && AsRefusal(wrong).Reason != InvalidGrant {
		return wrong
	}
	presented.account = ""
	if err := s.proves(ctx, t, user, presented); err != nil {
		return err
	}
	return wrong
}

func (s *Service) proves(ctx context.Context, t *directory.Tenant, user *directory.User, presented Credentials) error {
	proven, _, err := s.authenticateUser(ctx, t, presented)
	if err != nil {
		return err
	}
	if proven.Subject() != user.Subject() {
		return errPassword
	}
	return nil
}
