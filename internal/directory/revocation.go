package directory

import (
	"cmp"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// RevocationGrace is how long the sweeper keeps a revocation after its token has expired: by a clock that has
// been wrong by less than that the token comes back neither before it is set right nor afterwards. A
// revocation counts until then, for whoever has tokens that live for seconds would otherwise leave any number.
const RevocationGrace = 3 * time.Hour

type revocationTable struct {
	*table[*v1alpha1.TokenRevocation]
	byOwner, endingAll *index[*v1alpha1.TokenRevocation]
}

func newRevocationTable() revocationTable {
	owner := func(r *v1alpha1.TokenRevocation) []string { return []string{cmp.Or(r.Spec.Subject, r.Spec.ClientID)} }
	byOwner := newIndex(owner)
	endingAll := newIndex(func(r *v1alpha1.TokenRevocation) []string {
		if r.Spec.IssuedUntil == nil {
			return nil
		}
		return owner(r)
	})
	return revocationTable{newTable(byOwner, endingAll), byOwner, endingAll}
}

// Revoked tells whether a token id, or a code's digest, died early.
func (t *Tenant) Revoked(id string) bool {
	_, ok := t.Revocation(id)
	return ok
}

// Revocation looks up a revocation by its object's name.
func (t *Tenant) Revocation(name string) (*v1alpha1.TokenRevocation, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.revocations.get(name)
}

// RevokedUntil is the second up to which all JWTs of a subject, or of a client that acts for itself, have
// died that stand on no grant; zero where they have not.
func (t *Tenant) RevokedUntil(subject string) (last time.Time) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, revocation := range t.revocations.endingAll.rows[subject] {
		if until := revocation.Spec.IssuedUntil.Time; until.After(last) {
			last = until
		}
	}
	return last
}

// RevocationEnds lists, in no order, when each standing revocation of a subject, or of a client that acts
// for itself, stops to count: those of tokens of the grants of a namespace; the empty one is the tenant's
// own. Each has the whole limit to itself, as with sessions.
func (t *Tenant) RevocationEnds(subject, grantNamespace string, now time.Time) (ends []time.Time) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, revocation := range t.revocations.byOwner.rows[subject] {
		if stands(revocation, grantNamespace, now) {
			ends = append(ends, endOf(revocation))
		}
	}
	return ends
}

// HasRoomForRevocation tells whether the tenant has fewer standing revocations of tokens of the grants of
// a namespace than a limit; the empty one is its own. Those that say nothing of whose token it was count
// there.
func (t *Tenant) HasRoomForRevocation(limit int, grantNamespace string, now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.revocations.hasRoom(limit, func(r *v1alpha1.TokenRevocation) bool { return stands(r, grantNamespace, now) })
}

// stands tells whether a revocation counts. One that only shows that a code was redeemed does not: it is
// gone within minutes, and so many honest logins leave one.
func stands(revocation *v1alpha1.TokenRevocation, grantNamespace string, now time.Time) bool {
	return revocation.Spec.GrantNamespace == grantNamespace && revocation.Spec.Reason != v1alpha1.RevocationOfCode &&
		now.Before(endOf(revocation))
}

func endOf(revocation *v1alpha1.TokenRevocation) time.Time {
	return revocation.Spec.ExpiresAt.Add(RevocationGrace)
}
