package directory

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// FedKinds lists an example object of each kind that a directory is fed with.
func FedKinds() []client.Object {
	return []client.Object{
		&v1alpha1.AuthTenant{}, &v1alpha1.AuthUser{}, &v1alpha1.AuthClient{}, &v1alpha1.RefreshTokenGrant{},
		&v1alpha1.AuthSession{}, &v1alpha1.TokenRevocation{}, &corev1.Secret{}, &corev1.Namespace{},
	}
}

// Feeder gives the handler by which informers feed the directory. Objects of namespaces that ignore
// names are dropped.
func (d *Directory) Feeder(ignore func(namespace string) bool) toolscache.ResourceEventHandler {
	feed := func(apply func(client.Object)) func(any) {
		return func(raw any) {
			if gone, ok := raw.(toolscache.DeletedFinalStateUnknown); ok {
				raw = gone.Obj
			}
			if object, ok := raw.(client.Object); ok && !ignore(namespaceOf(object)) {
				apply(object)
			}
		}
	}
	put, remove := feed(d.Put), feed(d.Remove)
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    put,
		UpdateFunc: func(_, updated any) { put(updated) },
		DeleteFunc: remove,
	}
}

// namespaceOf is the namespace that an object lies in or is.
func namespaceOf(object client.Object) string {
	if namespace, ok := object.(*corev1.Namespace); ok {
		return namespace.Name
	}
	return object.GetNamespace()
}

// Put adds an object or replaces it by its newer self. The object must not be changed afterwards.
func (d *Directory) Put(object client.Object) {
	switch o := object.(type) {
	case *corev1.Namespace:
		d.putNamespace(o)
		return
	case *v1alpha1.RefreshTokenGrant:
		d.crossings.put(o)
	}
	d.change(object, func(t *Tenant) { t.put(object) })
}

// Remove takes an object out. Where another one of its name has come meanwhile, that stays.
func (d *Directory) Remove(object client.Object) {
	switch o := object.(type) {
	case *corev1.Namespace:
		d.removeNamespace(o.Name)
		return
	case *v1alpha1.RefreshTokenGrant:
		d.crossings.drop(o)
	}
	d.change(object, func(t *Tenant) { t.remove(object) })
}

// change makes one change and tells it to the subscribers: for the object, and for those that hang
// on it, whether by what it was before or by what it is now.
func (d *Directory) change(object client.Object, apply func(*Tenant)) {
	change := changeOf(object)
	t := d.tenant(change.Namespace)

	t.mu.Lock()
	affected := t.affected(change)
	apply(t)
	t.reshapeAfter(change)
	affected = append(affected, t.affected(change)...)
	t.mu.Unlock()
	affected = append(affected, d.crossings.hangingOn(object)...)

	d.notify(change)
	slices.SortFunc(affected, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, other := range slices.Compact(affected) {
		d.notify(other)
	}
}

func (t *Tenant) put(object client.Object) {
	name := object.GetName()
	switch o := object.(type) {
	case *v1alpha1.AuthTenant:
		t.settings = o
	case *v1alpha1.AuthUser:
		t.users.put(name, NewUser(o))
	case *v1alpha1.AuthClient:
		t.clients.put(name, NewClient(o))
	case *v1alpha1.RefreshTokenGrant:
		t.grants.put(name, &Grant{o})
	case *v1alpha1.AuthSession:
		t.sessions.put(name, o)
	case *v1alpha1.TokenRevocation:
		t.revocations.put(name, o)
	case *corev1.Secret:
		t.secrets.put(name, o)
	}
}

func (t *Tenant) remove(object client.Object) {
	name := object.GetName()
	switch object.(type) {
	case *v1alpha1.AuthTenant:
		if t.settings != nil && isGone(t.settings, object) {
			t.settings = nil
		}
	case *v1alpha1.AuthUser:
		t.users.drop(name, object)
	case *v1alpha1.AuthClient:
		t.clients.drop(name, object)
	case *v1alpha1.RefreshTokenGrant:
		t.grants.drop(name, object)
	case *v1alpha1.AuthSession:
		t.sessions.drop(name, object)
	case *v1alpha1.TokenRevocation:
		t.revocations.drop(name, object)
	case *corev1.Secret:
		t.secrets.drop(name, object)
	}
}

// affected names the rows that stand differently when this one changes and that cannot be found
// from its name alone afterwards: the other claimants of its logins, ids and targets, and the
// grants whose token a session or a revocation is about.
func (t *Tenant) affected(change Change) []Change {
	switch change.Kind {
	case Users:
		return t.named(Users, t.users.sharing(change.Name))
	case Clients:
		return t.named(Clients, t.clients.sharing(change.Name))
	case Grants:
		return t.named(Grants, t.grants.sharing(change.Name))
	case Sessions:
		if session, ok := t.sessions.get(change.Name); ok {
			return t.named(Grants, otherNames(t.grants.byID, session.Spec.GrantID, ""))
		}
	case Revocations:
		return t.named(Grants, otherNames(t.grants.byToken, change.Name, ""))
	}
	return nil
}

func (t *Tenant) named(kind Kind, names []string) []Change {
	all := make([]Change, len(names))
	for i, name := range names {
		all[i] = Change{kind, t.namespace, name}
	}
	return all
}

// changeOf panics on a kind that no table holds: FedKinds and the tables would have parted.
func changeOf(object client.Object) Change {
	var kind Kind
	switch object.(type) {
	case *v1alpha1.AuthTenant:
		kind = Tenants
	case *v1alpha1.AuthUser:
		kind = Users
	case *v1alpha1.AuthClient:
		kind = Clients
	case *v1alpha1.RefreshTokenGrant:
		kind = Grants
	case *v1alpha1.AuthSession:
		kind = Sessions
	case *v1alpha1.TokenRevocation:
		kind = Revocations
	case *corev1.Secret:
		kind = Secrets
	default:
		panic(fmt.Sprintf("no table for %T", object))
	}
	return Change{kind, object.GetNamespace(), object.GetName()}
}
