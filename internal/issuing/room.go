package issuing

import (
	"context"
	"errors"
	"slices"
	"time"

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
	// errTenantRevocations is that of a tenant that has as many revocations as allowed.
	errTenantRevocations = refuse(TooManyTenantSessions, "too many tokens of the tenant were revoked of late")
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

// tenantRevocations is how many revocations a tenant may have: what etcd and the memory of a replica take
// without harm. A session that ends leaves room and a revocation does not for hours, so there are more of them.
const tenantRevocations = 100_000

// revocationBounds are boundsOf for revocations. A subject's are never below the default: who may have one
// session may log out more than once in a token's life.
func revocationBounds(t *directory.Tenant, user *directory.User) store.Bounds {
	bounds := boundsOf(t, user)
	bounds.Subject = max(bounds.Subject, v1alpha1.DefaultMaxSessions)
	bounds.Tenant = tenantRevocations
	return bounds
}

// roomForToken refuses a token past the bounds of its user or client, and of the tenant: a reference token
// where there is no room for its session, a JWT where there is none for its revocation. It is asked
// before anything is ended or replaced for the sake of that token.
func (s *Service) roomForToken(ctx context.Context, t *directory.Tenant, ring *keys.Ring, terms *Terms) error {
	if terms.Format != revision.FormatReference {
		return s.roomForRevocation(t, terms)
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

// roomForRevocation refuses a token that could be revoked where as many are as may be. Nobody is kept from
// revoking, so what is bounded is how many tokens there are to revoke. Memory answers, which parallel
// logins may pass by as many as the watch is late.
func (s *Service) roomForRevocation(t *directory.Tenant, terms *Terms) error {
	bounds, now := revocationBounds(t, terms.User), s.now()
	if !t.HasRoomForRevocation(bounds.Tenant, terms.GrantNamespace, now) {
		return errTenantRevocations
	}
	ends := t.RevocationEnds(terms.Subject, terms.GrantNamespace, now)
	if len(ends) < bounds.Subject {
		return nil
	}
	slices.SortFunc(ends, time.Time.Compare)
	full := refuse(TooManySessions, "too many tokens were revoked of late")
	full.RetryAfter = ends[len(ends)-bounds.Subject].Sub(now)
	return full
}
