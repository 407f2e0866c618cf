package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

var (
	// errTooManySessions is that of a user who has as many live sessions as allowed.
	errTooManySessions = refuse(TooManySessions, "there are too many live sessions")
	// errTenantSessions is that of a tenant that has as many live sessions as allowed.
	errTenantSessions = refuse(TooManyTenantSessions, "the tenant has too many live sessions")
)

// defaultClientSessions bounds the reference tokens of a client that acts for itself.
const defaultClientSessions = 100

// boundsOf tells how many live reference tokens a user may have, or a client that acts for itself where
// there is no user, and how many the tenant. A user whose purpose is Internal is not bounded.
func boundsOf(t *directory.Tenant, user *directory.User) store.Bounds {
	bounds := store.Bounds{Tenant: int(t.Settings().EffectiveMaxSessions())}
	switch {
	case user == nil:
		bounds.Subject = defaultClientSessions
	case user.Spec.EffectivePurpose() == v1alpha1.PurposeInternal:
		bounds.Subject = store.Unbounded
	default:
		bounds.Subject = int(user.Spec.EffectiveMaxSessions())
	}
	return bounds
}

// roomForSession refuses a reference token past the bounds of its user or client, and of the tenant. It
// is asked before anything is ended or replaced for the sake of that token.
func (s *Service) roomForSession(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms) error {
	if terms.Format != revision.FormatReference {
		return nil
	}
	owner := store.Owner{Subject: terms.Subject, GrantNamespace: terms.GrantNamespace}
	return refuseFull(s.Sessions.Room(ctx, ring.Tenant(), owner, boundsOf(t, terms.User)))
}

// refuseFull makes refusals of what a store says.
func refuseFull(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrSubjectFull):
		return errTooManySessions
	case errors.Is(err, store.ErrTenantFull):
		return errTenantSessions
	}
	return unavailable(err)
}
