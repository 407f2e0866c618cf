package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Why the endpoint ends grants, as the audit log tells it.
const (
	endedByMobile   = "another mobile login of the user"
	endedByLimit    = "the user has as many grants as allowed"
	endedBySpent    = "nothing of it was good any more, and a login takes its place"
	endedByClient   = "the client gave its refresh token back"
	endedByLogin    = "a login of another kind takes its place"
	endedByRelogin  = "the same mobile client logged in again"
	endedByDeletion = "its refresh token was deleted over HTTP"
	endedByReuse    = "a refresh token that had been replaced was used again"
	endedByCode     = "the authorization code that it stems from was used again"
	endedByCrowd    = "too many of its tokens were revoked one by one"
	endedByUser     = "its user was deleted over HTTP"
)

// deleteGrant removes a grant that the endpoint made, and records it.
func (s *Service) deleteGrant(ctx context.Context, t *directory.Tenant, g *v1alpha1.RefreshTokenGrant, why string) error {
	err := s.Store.DeleteGrant(ctx, g)
	if err == nil {
		s.recordEnded(ctx, t, audit.GrantDeleted, g, why)
	}
	return err
}

// moveEpoch ends every token of a grant, and records it.
func (s *Service) moveEpoch(ctx context.Context, t *directory.Tenant, g *v1alpha1.RefreshTokenGrant, why string) (*v1alpha1.RefreshTokenGrant, error) {
	moved, err := s.Store.MoveEpoch(ctx, g)
	if err == nil {
		s.recordEnded(ctx, t, audit.GrantRevoked, g, why)
	}
	return moved, err
}

// endEpoch ends every token of a grant, whatever the grant's state is now. It is no error where there is
// no such grant any more.
func (s *Service) endEpoch(ctx context.Context, t *directory.Tenant, g *directory.Grant, why string) error {
	_, err := s.moveEpoch(ctx, t, g.RefreshTokenGrant, why)
	if errors.Is(err, store.ErrConflict) { // memory is late, as it is just after a status was written
		var current *directory.Grant
		if current, err = s.liveGrant(ctx, t, g.Namespace, g.Spec.ID); err == nil {
			_, err = s.moveEpoch(ctx, t, current.RefreshTokenGrant, why)
		}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, errNoGrant) {
		return unavailable(err)
	}
	return nil
}

// revokeCopied revokes a grant whose refresh token or code has been copied, and records it.
func (s *Service) revokeCopied(ctx context.Context, t *directory.Tenant, g *v1alpha1.RefreshTokenGrant, why string) error {
	_, err := s.Store.RevokeGrant(ctx, g)
	if err == nil {
		s.recordEnded(ctx, t, audit.GrantRevoked, g, why)
	}
	return err
}

func (s *Service) recordEnded(ctx context.Context, t *directory.Tenant, event audit.Event, g *v1alpha1.RefreshTokenGrant, why string) {
	if s.Audit == nil {
		return
	}
	record := audit.Record{
		Event:          event,
		Tenant:         t.Namespace(),
		Dialect:        dialect(g.Spec.IsWazo()),
		Subject:        g.Spec.UserRef.Subject,
		ClientID:       g.Spec.ClientID,
		GrantID:        g.Spec.ID,
		Grant:          g.Name,
		GrantNamespace: g.CrossesFrom(),
		Reason:         why,
	}
	if !g.Spec.IsWazo() {
		if client, ok := t.Client(g.Spec.ClientRef.Name); ok {
			record.ClientID = client.EffectiveClientID()
		}
	}
	if user, ok := t.User(g.Spec.UserRef.Name); ok {
		record.Subject, record.Username = user.Subject(), user.EffectiveUsername()
	}
	s.Audit.Record(ctx, record)
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
	return s.endSessionsOfSubject(ctx, t, user.Subject(), func(a *tokens.Access) bool {
		return a.CredentialVersion != "" && !s.goodPassword(t, user, a.CredentialVersion)
	})
}

// EndSessions ends all sessions of a subject: those of a user who is disabled are dead, and must not come
// back when the user is enabled again.
func (s *Service) EndSessions(ctx context.Context, t *directory.Tenant, subject string) error {
	return s.endSessionsOfSubject(ctx, t, subject, func(*tokens.Access) bool { return true })
}

// endSessionsOfSubject ends those sessions of a subject that are over.
func (s *Service) endSessionsOfSubject(ctx context.Context, t *directory.Tenant, subject string, isOver func(*tokens.Access) bool) error {
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

// endSessionsOfGrant deletes the sessions of a grant, so that they count towards no limit, and counts
// those that were live.
func (s *Service) endSessionsOfGrant(ctx context.Context, ring *keys.Ring, grantID string) (ended int, err error) {
	now := s.now()
	for session, err := range s.Sessions.OfGrant(ctx, ring.Tenant(), grantID) {
		if err != nil {
			return 0, unavailable(err)
		}
		if err := s.Sessions.Delete(ctx, ring.Tenant(), session.Name); err != nil {
			return 0, unavailable(err)
		}
		if now.Before(session.Spec.ExpiresAt.Time) {
			ended++
		}
	}
	return ended, nil
}
