package directory

import (
	"cmp"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

type sessionTable struct {
	*table[*v1alpha1.AuthSession]
	bySubject, byGrant *index[*v1alpha1.AuthSession]
}

func newSessionTable() sessionTable {
	bySubject := newIndex(func(s *v1alpha1.AuthSession) []string { return []string{cmp.Or(s.Spec.Subject, s.Spec.ClientID)} })
	byGrant := newIndex(func(s *v1alpha1.AuthSession) []string {
		if s.Spec.GrantNamespace != "" {
			return nil // an id counts within its namespace
		}
		return []string{s.Spec.GrantID}
	})
	return sessionTable{newTable(bySubject, byGrant), bySubject, byGrant}
}

// Session looks up a session by its object's name, which is the digest of its token.
func (t *Tenant) Session(name string) (*v1alpha1.AuthSession, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.sessions.get(name)
}

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
