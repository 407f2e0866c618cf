package issuing

import (
	"context"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
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

// EndLogins ends what a user has made who is gone: the grants of logins, and all sessions. Their tokens
// have died with the user; a user who is made again with the same subject must not bring them back, and
// what is dead must not count towards limits.
func (s *Service) EndLogins(ctx context.Context, t *directory.Tenant, subject string) error {
	for _, g := range t.EndpointGrants(subject) {
		if err := s.deleteGrant(ctx, t, g.RefreshTokenGrant, endedByUser); err != nil {
			return unavailable(err)
		}
		s.Directory.Remove(g.RefreshTokenGrant)
	}
	return s.EndSessions(ctx, t, subject)
}

// EndOldLogins ends the sessions of a user that stem from a password which is none of the user's any
// more. Those of applied grants stem from none.
func (s *Service) EndOldLogins(ctx context.Context, t *directory.Tenant, user *directory.User) error {
	return s.endSessionsOf(ctx, t, user.Subject(), func(a *tokens.Access) bool {
		return a.CredentialVersion != "" && !s.goodPassword(t, user, a.CredentialVersion)
	})
}

// EndSessions ends all sessions of a subject: those of a user who is disabled are dead, and must not come
// back when the user is enabled again.
func (s *Service) EndSessions(ctx context.Context, t *directory.Tenant, subject string) error {
	return s.endSessionsOf(ctx, t, subject, func(*tokens.Access) bool { return true })
}

// endSessionsOf ends those sessions of a subject that are over.
func (s *Service) endSessionsOf(ctx context.Context, t *directory.Tenant, subject string, isOver func(*tokens.Access) bool) error {
	ring, err := t.Ring()
	if err != nil {
		return unavailable(err)
	}
	for session, err := range s.Sessions.OfSubject(ctx, ring.Tenant(), subject) {
		if err != nil {
			return unavailable(err)
		}
		o, err := s.openSession(ring, session)
		if err != nil || !speaksOf(session, o.access) || !isOver(o.access) {
			continue
		}
		if err := s.end(ctx, t, o); err != nil {
			return err
		}
	}
	return nil
}
