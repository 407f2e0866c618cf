package controllers

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/pacing"
)

// markerGrace is that of a revocation that revokes no token and shows that an authorization code was
// redeemed: the clocks of replicas may differ by as much. It is short because each such login leaves one
// and no limit but their rate bounds them.
const markerGrace = 5 * time.Minute

// orphanGrace is how long an endpoint-made grant may stand without its user or client: a restore
// brings objects in any order.
const orphanGrace = time.Hour

// revokedGrace is how long a revoked grant that stops no login is kept for people to see.
const revokedGrace = 24 * time.Hour

// What expires together is not swept together: each object goes at a moment of its own within sweepSpread
// of its end, and all of them no faster than sweepBudget. An object that has expired is refused before
// it is swept.
const sweepSpread = time.Minute

var sweepBudget = pacing.Budget{Burst: 20, Every: 20 * time.Millisecond}

// Sweepable names an object that may be swept. Without a name it stands for all sessions of a namespace.
type Sweepable struct {
	Kind      directory.Kind
	Namespace string
	Name      string
}

// Sweeper removes what the endpoint has made and nobody can use any more: sessions and revocations
// that have expired, the sessions of disabled users, of users, passwords and grants that are gone, and
// endpoint-made grants that have expired, whose refresh token has ended by its client's policy, or that
// have lost their user or client, revoked ones that stop no login, and what an emergency has left without
// its keys.
// Applied grants are never swept: whoever applied them would apply them again.
type Sweeper struct {
	Common
	// Elsewhere is nil where sessions are kept in Kubernetes.
	Elsewhere SessionsElsewhere
	turns     turns
	looks     looks
}

// Requests maps a change to what it may have made sweepable.
func (r *Sweeper) Requests(change directory.Change) []Sweepable {
	if change.Kind == directory.Revocations || change.Kind == directory.Grants {
		return []Sweepable{Sweepable(change)}
	}
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok {
		return nil
	}
	var all []Sweepable
	var grants []string
	switch change.Kind {
	case directory.Sessions:
		all = append(r.ofSession(t, change), allSessions(change.Namespace))
	case directory.Users:
		grants = t.GrantsOfUser(change.Name)
		all = r.sessionsOf(t, change.Name)
		if r.Elsewhere != nil {
			all = append(all, Sweepable(change))
		}
	case directory.Clients:
		grants = t.GrantsOfClient(change.Name)
	case directory.Keyrings:
		grants = t.GrantNames()
		if r.Elsewhere != nil {
			for _, name := range t.UserNames() {
				all = append(all, Sweepable{Kind: directory.Users, Namespace: change.Namespace, Name: name})
			}
		}
		all = append(all, r.endingEarly(t, t.Sessions()...)...)
	case directory.Secrets:
		for _, user := range t.UsersWithSecret(change.Name) {
			grants = append(grants, t.GrantsOfUser(user)...)
			all = append(all, r.sessionsOf(t, user)...)
		}
	}
	for _, name := range grants {
		all = append(all, Sweepable{Kind: directory.Grants, Namespace: change.Namespace, Name: name})
	}
	return all
}

// Reconcile removes one object, or comes back when it is due.
func (r *Sweeper) Reconcile(ctx context.Context, item Sweepable) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(item.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	if item.Kind == directory.Users {
		return reconcile.Result{}, r.endElsewhere(ctx, t, item.Name)
	}
	now := r.Clock.Now()
	if item == allSessions(item.Namespace) {
		return r.lookThrough(ctx, t, now)
	}
	object, due := r.sweepable(t, item, now)
	if mine, _ := r.turns.of(item); object == nil || !mine.isDoomed && (due.IsZero() || now.Before(due)) {
		r.turns.giveUp(item)
		return reconcile.Result{RequeueAfter: until(now, due)}, nil
	}
	if wait := r.turns.wait(item, isOfDisabled(t, object), now); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	return reconcile.Result{}, r.remove(ctx, object)
}

// remove removes an object as it was looked at. What it is otherwise, or that it is gone, is on its way as
// an event; of what memory was told and no watch has brought, no event comes.
func (r *Sweeper) remove(ctx context.Context, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := r.Client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("sweep: %w", err)
	}
	if err != nil && uid == "" {
		r.Directory.Remove(object)
	}
	return nil
}

// sweepable finds an object and when it is due to be removed; zero where it is not.
func (r *Sweeper) sweepable(t *directory.Tenant, item Sweepable, now time.Time) (client.Object, time.Time) {
	switch item.Kind {
	case directory.Sessions:
		if session, ok := t.Session(item.Name); ok {
			return session, r.earlyEnd(t, session, now)
		}
	case directory.Revocations:
		if revocation, ok := t.Revocation(item.Name); ok {
			return revocation, sometimeAfter(revocation.Spec.ExpiresAt.Add(graceOf(revocation)), revocation)
		}
	case directory.Grants:
		if g, ok := t.Grant(item.Name); ok && g.EndpointMade() {
			return g.RefreshTokenGrant, grantDue(t, g, now)
		}
	}
	return nil, time.Time{}
}

// graceOf is how long a revocation is kept after its end. One that is written by hand with the words of a
// redeemed code goes as early: spec.reason is the endpoint's word, or its writer's own.
func graceOf(revocation *v1alpha1.TokenRevocation) time.Duration {
	if revocation.Spec.Reason == v1alpha1.RevocationOfCode {
		return markerGrace
	}
	return directory.RevocationGrace
}

// sometimeAfter is an object's own moment within sweepSpread of an end.
func sometimeAfter(end time.Time, object client.Object) time.Time {
	return end.Add(pacing.Spread(string(object.GetUID()), sweepSpread))
}

// grantDue is when an endpoint-made grant is of no use any more.
func grantDue(t *directory.Tenant, g *directory.Grant, now time.Time) time.Time {
	if issuing.GaveUp(t, g) {
		if g.IsOfCode() { // an emergency need not end the codes: the grant shows that this one was used
			return later(now, g.Spec.Login.CodeExpiresAt.Time)
		}
		return now
	}
	if isOrphan(t, g, now) {
		return later(now, sometimeAfter(g.CreationTimestamp.Add(orphanGrace), g))
	}
	var ends time.Time
	if g.Spec.ExpiresAt != nil {
		ends = sometimeAfter(g.Spec.ExpiresAt.Time, g)
	}
	if last := policyEnd(t, g); !last.IsZero() {
		ends = first(ends, sometimeAfter(last, g))
	}
	if since := revokedSince(t, g); !since.IsZero() {
		ends = first(ends, sometimeAfter(since.Add(revokedGrace), g))
	}
	return first(ends, passwordEnd(t, g, now))
}

// revokedSince is when the condition of a grant has come to tell that it is revoked; zero where it does
// not. A revoked grant that stops logins is none of the sweeper's: a person may have meant it to.
func revokedSince(t *directory.Tenant, g *directory.Grant) time.Time {
	ready := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason != v1alpha1.ReasonRevoked || !issuing.RevokedInPassing(t, g) {
		return time.Time{}
	}
	return ready.LastTransitionTime.Time
}

// policyEnd is when nothing of a login is good any more because its client's policy has ended the
// refresh token: that moment, and the life of an access token that was made just before it. Zero where
// the policy sets no end.
func policyEnd(t *directory.Tenant, g *directory.Grant) time.Time {
	if g.Spec.IsWazo() {
		return time.Time{}
	}
	c, ok := t.Client(g.Spec.ClientRef.Name)
	if !ok {
		return time.Time{}
	}
	end := issuing.RefreshTokenEnd(&c.Spec, g)
	ttl, err := g.Spec.EffectiveTTL(&c.Spec, t.Settings()).Parse()
	if end.IsZero() || err != nil { // the API server takes no such ttl, and nothing is issued with one
		return end
	}
	return end.Add(ttl)
}

// passwordEnd is when the password ends that an OAuth2 login stems from; zero where it was not replaced.
func passwordEnd(t *directory.Tenant, g *directory.Grant, now time.Time) time.Time {
	user, ok := t.User(g.Spec.UserRef.Name)
	if !ok || g.Spec.IsWazo() || g.Spec.Login == nil {
		return time.Time{}
	}
	password, _ := t.PasswordOf(user, g.Spec.Login.CV, now)
	return password.Until
}

func isOrphan(t *directory.Tenant, g *directory.Grant, now time.Time) bool {
	user, ok := t.User(g.Spec.UserRef.Name)
	if !ok || user.Subject() != "" && user.Subject() != g.Spec.UserRef.Subject {
		return true
	}
	if g.Spec.IsWazo() {
		return false
	}
	if _, ok := t.Client(g.Spec.ClientRef.Name); !ok {
		return true
	}
	// An OAuth2 refresh token ends with the password that it stems from, and nothing brings it back.
	if _, known := t.CredentialVersion(user); !known || g.Spec.Login == nil {
		return false
	}
	_, good := t.PasswordOf(user, g.Spec.Login.CV, now)
	return !good
}

// first is the earlier of two moments; one that is zero never comes.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
