package directory

import (
	"slices"
	"sync"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// crossings are the grants whose user is in another namespace. Each is also a row of the tenant that
// it lies in, which knows it by its id and its Secret; here it is found by what it hangs on
// elsewhere, so that a change there reaches it. No token is looked up here.
type crossings struct {
	mu sync.RWMutex
	*table[*Grant]
	byHome, byTenant, byUser, byClient, byID, byToken *index[*Grant]
}

func newCrossings() *crossings {
	// keyed finds a grant by something of its user's namespace.
	keyed := func(of func(*Grant) string) *index[*Grant] {
		return newIndex(func(g *Grant) []string { return []string{within(g.UserNamespace(), of(g))} })
	}
	c := &crossings{
		byHome:   newIndex(func(g *Grant) []string { return []string{g.Namespace} }),
		byTenant: newIndex(func(g *Grant) []string { return []string{g.UserNamespace()} }),
		byUser:   keyed(func(g *Grant) string { return g.Spec.UserRef.Name }),
		byClient: keyed((*Grant).clientName),
		byID:     keyed(func(g *Grant) string { return g.Spec.ID }),
		byToken:  keyed(func(g *Grant) string { return g.Status.TokenID }),
	}
	c.table = newTable(c.byHome, c.byTenant, c.byUser, c.byClient, c.byID, c.byToken)
	return c
}

// within names something of a namespace; empty where there is nothing to name.
func within(namespace, name string) string {
	if name == "" {
		return ""
	}
	return namespace + "/" + name
}

// put takes a grant in, or out where it does not cross any more: one that is deleted and made again
// may come as one change.
func (c *crossings) put(object *v1alpha1.RefreshTokenGrant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := within(object.Namespace, object.Name)
	if object.CrossesFrom() == "" {
		c.remove(key)
		return
	}
	c.table.put(key, &Grant{object})
}

func (c *crossings) drop(object *v1alpha1.RefreshTokenGrant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table.drop(within(object.Namespace, object.Name), object)
}

// hangingOn lists the grants whose token an object in the namespace of their user is about.
func (c *crossings) hangingOn(object any) []Change {
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch o := object.(type) {
	case *v1alpha1.AuthSession:
		return changesOf(c.byID.all(within(o.Namespace, o.Spec.GrantID)))
	case *v1alpha1.TokenRevocation:
		return changesOf(c.byToken.all(within(o.Namespace, o.Name)))
	}
	return nil
}

func changesOf(grants []*Grant) []Change {
	all := make([]Change, len(grants))
	for i, g := range grants {
		all[i] = Change{Grants, g.Namespace, g.Name}
	}
	return all
}

// CrossingGrants lists the grants of one namespace with a user in another that stand differently
// when a row changes: theirs are the user and the client, the tenant's keyring and settings, and both
// namespaces.
func (d *Directory) CrossingGrants(change Change) []*Grant {
	c := d.crossings
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch change.Kind {
	case Users:
		return c.byUser.all(within(change.Namespace, change.Name))
	case Clients:
		return c.byClient.all(within(change.Namespace, change.Name))
	case Keyrings, Tenants:
		return c.byTenant.all(change.Namespace)
	case Namespaces:
		return slices.Concat(c.byTenant.all(change.Namespace), c.byHome.all(change.Namespace))
	}
	return nil
}
