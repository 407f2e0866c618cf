package issuing

import (
	"context"
	"errors"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// spareRevocations is how many times the revocations of roomForRevocation there may be before tokens are
// ended together. Who comes to the first limit and has some tokens left ends each by itself; past this one
// they have saved tokens up.
const spareRevocations = 2

// crowded tells whether one more revocation of a token alone would be too many.
func (s *Service) crowded(t *directory.Tenant, a *tokens.Access) bool {
	var user *directory.User
	if !isClientsOwn(a) {
		user, _ = t.UserBySubject(a.Subject)
	}
	bounds, now := revocationBounds(t, user), s.now()
	return len(t.RevocationEnds(a.Subject, a.GrantNamespace, now)) >= spareRevocations*bounds.Subject ||
		!t.HasRoomForRevocation(spareRevocations*bounds.Tenant, a.GrantNamespace, now)
}

// endTogether ends a token with all that are like it: those of its grant, whose epoch moves, or all JWTs
// of its subject that stand on no grant. The first costs no object, and the second one for all.
func (s *Service) endTogether(ctx context.Context, t *directory.Tenant, a *tokens.Access) (isFirst bool, err error) {
	if a.GrantID == "" {
		until := s.now()
		if a.IssuedAt.After(until) { // by the clock of another replica
			until = a.IssuedAt
		}
		return s.writeSpec(ctx, t, keys.NameID("revoked-until", a.Subject, strconv.FormatInt(until.Unix(), 10)), s.endOfAll(a, until))
	}
	g, err := s.grantOf(ctx, t, grantRef{namespace: a.GrantNamespace, id: a.GrantID, epoch: a.Epoch})
	switch {
	case errors.Is(err, errNoGrant):
		return s.writeSpec(ctx, t, a.ID, revocationOf(a)) // it could be made again
	case err != nil:
		return false, unavailable(err)
	case g.Spec.EffectiveEpoch() > a.Epoch:
		return false, nil
	}
	return false, s.endEpoch(ctx, t, g, endedByCrowd)
}

// endOfAll is what the revocation of all JWTs of a token's subject says that were issued until then: any of
// them may live for as long as a JWT can.
func (s *Service) endOfAll(a *tokens.Access, until time.Time) v1alpha1.TokenRevocationSpec {
	spec := revocationOf(a)
	if end := until.Add(s.Limits.MaxJWTTTL); end.After(a.ExpiresAt) {
		spec.ExpiresAt = metav1.NewTime(end)
	}
	spec.IssuedUntil, spec.Reason = &metav1.Time{Time: until}, reasonCrowd
	return spec
}

// isRevoked tells whether a token was revoked, by itself or together with others. A session is ended by
// itself alone.
func isRevoked(t *directory.Tenant, o *opened) bool {
	a := o.access
	if t.Revoked(a.ID) {
		return true
	}
	return o.session == nil && a.GrantID == "" && !a.IssuedAt.After(t.RevokedUntil(a.Subject))
}

// isOutlived tells whether memory knows that a token's grant has moved on, which ends the token for good:
// an epoch never falls.
func (s *Service) isOutlived(t *directory.Tenant, a *tokens.Access) bool {
	if a.GrantID == "" {
		return false
	}
	g, ok := s.heldGrant(t, grantRef{namespace: a.GrantNamespace, id: a.GrantID})
	return ok && g.Spec.EffectiveEpoch() > a.Epoch
}
