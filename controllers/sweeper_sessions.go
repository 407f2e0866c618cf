package controllers

import (
	"cmp"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// sessionsOf names the sessions of the user that an object stands for, where they end early.
func (r *Sweeper) sessionsOf(t *directory.Tenant, user string) []Sweepable {
	u, ok := t.User(user)
	if !ok || u.Subject() == "" {
		return nil
	}
	return r.endingEarly(t, t.SessionsOfSubject(u.Subject())...)
}

// ofSession names a session that has changed, where it ends early, or gives up its turn because it is gone.
func (r *Sweeper) ofSession(t *directory.Tenant, change directory.Change) []Sweepable {
	if session, ok := t.Session(change.Name); ok {
		return r.endingEarly(t, session)
	}
	if _, waits := r.turns.of(Sweepable(change)); waits {
		return []Sweepable{Sweepable(change)}
	}
	return nil
}

// endingEarly names those of some sessions that something but their expiry ends. A look comes by for the
// others: in the queue each would take memory.
func (r *Sweeper) endingEarly(t *directory.Tenant, sessions ...*v1alpha1.AuthSession) (all []Sweepable) {
	now := r.Clock.Now()
	for _, session := range sessions {
		if !r.earlyEnd(t, session, now).IsZero() {
			all = append(all, Sweepable{Kind: directory.Sessions, Namespace: session.Namespace, Name: session.Name})
		}
	}
	return all
}

// earlyEnd is when a session is of no use any more that ends by something but its expiry; zero for others.
func (r *Sweeper) earlyEnd(t *directory.Tenant, session *v1alpha1.AuthSession, now time.Time) time.Time {
	if due := r.sessionDue(t, session, now); due.Before(expiryOf(session)) {
		return due
	}
	return time.Time{}
}

// sessionDue is when a session is of no use any more. One that an emergency has left without its key
// opens never again. Those of a user who is disabled end for good, and at once: to enable the user again
// brings none of them back. One that lacks something else is dead as well, and counts towards limits; a
// restore, and the watch that brings what it lacks, have as long as with other orphans.
func (r *Sweeper) sessionDue(t *directory.Tenant, session *v1alpha1.AuthSession, now time.Time) time.Time {
	if ring, err := t.Ring(); err == nil && ring.GaveUpSession(session.Spec.Sealed) {
		return now
	}
	ends := expiryOf(session)
	user, ok := t.UserBySubject(session.Spec.Subject)
	switch {
	case ok && isDisabled(user):
		return now
	case session.Spec.Subject == "" || r.Directory.Known(session.Namespace, now) != nil:
	case !ok:
		ends = first(ends, orphanEnd(session))
	default:
		ends = first(ends, passwordGone(t, user, session, now))
	}
	return first(ends, r.grantGone(session, now))
}

// isOfDisabled tells whether an object is a session of a user who is disabled.
func isOfDisabled(t *directory.Tenant, object client.Object) bool {
	session, ok := object.(*v1alpha1.AuthSession)
	if !ok {
		return false
	}
	user, ok := t.UserBySubject(session.Spec.Subject)
	return ok && isDisabled(user)
}

func isDisabled(user *directory.User) bool {
	return user.Spec.EffectiveState() == v1alpha1.UserStateDisabled
}

// orphanEnd is when a session goes that lacks what it stems from.
func orphanEnd(session *v1alpha1.AuthSession) time.Time {
	return sometimeAfter(session.CreationTimestamp.Add(orphanGrace), session)
}

// passwordGone is when a session is removed whose token stems from a password that has ended, or ends.
// It is zero where the token stems from none, and where the user's passwords cannot be read.
func passwordGone(t *directory.Tenant, user *directory.User, session *v1alpha1.AuthSession, now time.Time) time.Time {
	ring, err := t.Ring()
	if err != nil {
		return time.Time{}
	}
	access, err := tokens.OpenSession(ring, session.Name, session.Spec.Sealed)
	if err != nil || access.CredentialVersion == "" {
		return time.Time{}
	}
	good, standing := t.Passwords(user, now)
	at := slices.IndexFunc(good, func(p directory.Password) bool { return p.Version == access.CredentialVersion })
	switch {
	case at >= 0:
		return good[at].Until
	case !standing.Good():
		return time.Time{}
	}
	return orphanEnd(session)
}

// grantGone is when the session of a grant that is gone is removed. It is zero where the grant is there,
// or its namespace is not known.
func (r *Sweeper) grantGone(session *v1alpha1.AuthSession, now time.Time) time.Time {
	namespace := cmp.Or(session.Spec.GrantNamespace, session.Namespace)
	if session.Spec.GrantID == "" || r.Directory.Known(namespace, now) != nil {
		return time.Time{}
	}
	if t, ok := r.Directory.Tenant(namespace); ok {
		if _, ok := t.GrantByID(session.Spec.GrantID); ok {
			return time.Time{}
		}
	}
	return orphanEnd(session)
}
