package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
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
