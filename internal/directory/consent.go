package directory

import (
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// TenantOf gives the tenant that signs for a grant: that of its user's namespace. Where there is none
// it gives one without rows, so that what is absent and what is not watched are told apart by nobody.
func (d *Directory) TenantOf(g *Grant) *Tenant {
	if t, ok := d.Tenant(g.UserNamespace()); ok {
		return t
	}
	return newTenant(d, g.UserNamespace())
}

// UserOf finds the user that a grant of this tenant's speaks for. A user who is absent and one who
// does not permit the grant are one answer. A grant that pins a subject is for that user alone,
// whoever bears the name now.
func (t *Tenant) UserOf(g *Grant) (*User, bool) {
	user, ok := t.User(g.Spec.UserRef.Name)
	pinned := g.Spec.UserRef.Subject
	if !ok || pinned != "" && user.Subject() != pinned || !t.permits(user.Spec.AllowedGrants, g) {
		return nil, false
	}
	return user, true
}

// ClientOf finds the client of a grant of this tenant's that names one. A client that is absent and
// one that does not permit the grant are one answer.
func (t *Tenant) ClientOf(g *Grant) (*Client, bool) {
	client, ok := t.Client(g.clientName())
	if !ok || !t.permits(client.Spec.AllowedGrants, g) {
		return nil, false
	}
	return client, true
}

// permits tells whether a consent given in this tenant covers a grant. What lies in the same
// namespace needs none. What a namespace's labels are is known from the namespace itself: neither the
// grant's own labels nor a namespace that has not been read come under a selector.
func (t *Tenant) permits(given *v1alpha1.AllowedGrants, g *Grant) bool {
	if g.Namespace == t.namespace {
		return true
	}
	if given == nil || given.Namespaces == nil {
		return false
	}
	switch allowed := given.Namespaces; allowed.From {
	case v1alpha1.NamespacesFromNames:
		return slices.Contains(allowed.Names, g.Namespace)
	case v1alpha1.NamespacesFromSelector:
		return allowed.Selector != nil && t.directory.bears(g.Namespace, allowed.Selector.MatchLabels)
	}
	return false
}

// bears tells whether a namespace is known to have all of some labels. No labels select nothing.
func (d *Directory) bears(namespace string, wanted map[string]v1alpha1.LabelValue) bool {
	d.mu.RLock()
	labels := d.namespaces[namespace].labels
	d.mu.RUnlock()
	for key, value := range wanted {
		if has, ok := labels[key]; !ok || has != string(value) {
			return false
		}
	}
	return len(wanted) > 0
}
