package directory

import (
	"cmp"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

type sessionTable struct {
	*table[*v1alpha1.AuthSession]
	byID, bySubject, byGrant *index[*v1alpha1.AuthSession]
}

// unnamed is the key of sessions that do not say their id: an earlier version made them.
const unnamed = "-"

func newSessionTable() sessionTable {
	byID := newIndex(func(s *v1alpha1.AuthSession) []string { return []string{cmp.Or(s.Spec.ID, unnamed)} })
	bySubject := newIndex(func(s *v1alpha1.AuthSession) []string { return []string{cmp.Or(s.Spec.Subject, s.Spec.ClientID)} })
	byGrant := newIndex(func(s *v1alpha1.AuthSession) []string {
		if s.Spec.GrantNamespace != "" {
			return nil // an id counts within its namespace
		}
		return []string{s.Spec.GrantID}
	})
	return sessionTable{newTable(byID, bySubject, byGrant), byID, bySubject, byGrant}
}

// Session looks up a session by its object's name, which is the digest of its token.
func (t *Tenant) Session(name string) (*v1alpha1.AuthSession, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions.get(name)
}

// SessionsByID lists the sessions that may have an id: those that say so, and those that do not say
// which they have. What counts is the sealed record.
func (t *Tenant) SessionsByID(id string) []*v1alpha1.AuthSession {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return append(t.sessions.byID.all(id), t.sessions.byID.all(unnamed)...)
}

// Sessions lists all sessions, in no order.
func (t *Tenant) Sessions() []*v1alpha1.AuthSession { return rowsOf(t, t.sessions.table) }

// SessionsOfSubject lists the sessions of a user's subject, or of a client that acts for itself, in
// the order of their names.
func (t *Tenant) SessionsOfSubject(subject string) []*v1alpha1.AuthSession {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions.bySubject.all(subject)
}

// SessionsOfGrant lists the sessions of a grant in this namespace in the order of their names.
func (t *Tenant) SessionsOfGrant(grantID string) []*v1alpha1.AuthSession {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions.byGrant.all(grantID)
}

// LiveSessions counts the live sessions of a subject that stem from the grants of a namespace; the
// empty one is the tenant's own. Each has the whole limit to itself: what others do with a user that
// they may use keeps nobody from logging in.
func (t *Tenant) LiveSessions(subject, grantNamespace string, now time.Time) (live int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, session := range t.sessions.bySubject.rows[subject] {
		if counts(session, grantNamespace, now) {
			live++
		}
	}
	return live
}

// HasRoomForSession tells whether the tenant has fewer live sessions that stem from the grants of a
// namespace than a limit; the empty one is its own. Each has the whole limit to itself: who may use one
// user from elsewhere must not keep all the others from logging in. Sessions that have expired and not
// been swept yet do not count.
func (t *Tenant) HasRoomForSession(limit int, grantNamespace string, now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions.hasRoom(limit, func(s *v1alpha1.AuthSession) bool { return counts(s, grantNamespace, now) })
}

func counts(session *v1alpha1.AuthSession, grantNamespace string, now time.Time) bool {
	return session.Spec.GrantNamespace == grantNamespace && now.Before(session.Spec.ExpiresAt.Time)
}
