package directory

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Kind says which table a change is about.
type Kind string

// The kinds of rows a directory holds.
const (
	Tenants     Kind = "AuthTenant"
	Users       Kind = "AuthUser"
	Clients     Kind = "AuthClient"
	Grants      Kind = "RefreshTokenGrant"
	Sessions    Kind = "AuthSession"
	Revocations Kind = "TokenRevocation"
	Secrets     Kind = "Secret"
	Keyrings    Kind = "Keyring"
	Trust       Kind = "Trust"
	// Namespaces is about a namespace itself: its uid and labels, and whether it can be read.
	Namespaces Kind = "Namespace"
)

// Change names one row that was put or removed. The row itself is looked up when it is needed: by
// then it may have changed again.
type Change struct {
	Kind      Kind
	Namespace string
	Name      string
}

// Directory holds every tenant that this replica reads. The zero value is not usable; see New.
type Directory struct {
	mu          sync.RWMutex
	tenants     map[string]*Tenant
	subscribers map[int]func(Change)
	next        int
	trust       atomic.Pointer[[]byte]
	// marks tell of namespaces how far they are known; the empty one stands for all. awaited are those
	// that are to be read.
	marks   map[string]mark
	awaited map[string]bool
	// namespaces are those that have been seen, tenants or not.
	namespaces map[string]namespaceRow
	crossings  *crossings
}

// New gives an empty directory.
func New() *Directory {
	return &Directory{
		tenants:     map[string]*Tenant{},
		subscribers: map[int]func(Change){},
		marks:       map[string]mark{},
		awaited:     map[string]bool{},
		namespaces:  map[string]namespaceRow{},
		crossings:   newCrossings(),
	}
}

// Tenant looks up a tenant by its namespace. A namespace without any object of ours is not one.
func (d *Directory) Tenant(namespace string) (*Tenant, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	t, ok := d.tenants[namespace]
	return t, ok
}

// Namespaces lists the tenants in alphabetical order.
func (d *Directory) Namespaces() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.tenants))
}

// SetRing puts the keyring of a tenant. A ring that could not be read is put as its error, so that
// lookups fail closed and say why.
func (d *Directory) SetRing(namespace string, ring *keys.Ring, err error) {
	d.tenant(namespace).ring.Store(&ringOrError{ring, err})
	d.notify(Change{Keyrings, namespace, namespace})
}

// SetTrust puts the PEM bundle of the CAs that clients of the endpoint are to trust; empty where
// the endpoint's certificate is one that they trust anyway.
func (d *Directory) SetTrust(bundle []byte) {
	d.trust.Store(&bundle)
	for _, namespace := range d.Namespaces() {
		d.notify(Change{Trust, namespace, namespace})
	}
}

// Trust gives that bundle; false before it is known.
func (d *Directory) Trust() (bundle []byte, known bool) {
	held := d.trust.Load()
	if held == nil {
		return nil, false
	}
	return *held, true
}

// Subscribe calls changed for every row that is there now and for every later change, after the
// row can be looked up. Calls may come from several goroutines at once and must not block. It
// returns the function that ends the subscription.
func (d *Directory) Subscribe(changed func(Change)) (unsubscribe func()) {
	d.mu.Lock()
	id := d.next
	d.next++
	d.subscribers[id] = changed
	tenants := slices.Collect(maps.Values(d.tenants))
	d.mu.Unlock()

	for _, t := range tenants {
		for _, change := range t.everything() {
			changed(change)
		}
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.subscribers, id)
	}
}

// tenant gives the tenant of a namespace and makes it on first use.
func (d *Directory) tenant(namespace string) *Tenant {
	if t, ok := d.Tenant(namespace); ok {
		return t
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.tenants[namespace]
	if !ok {
		t = newTenant(d, namespace)
		d.tenants[namespace] = t
	}
	return t
}

func (d *Directory) notify(change Change) {
	d.mu.RLock()
	subscribers := slices.Collect(maps.Values(d.subscribers))
	d.mu.RUnlock()
	for _, changed := range subscribers {
		changed(change)
	}
}
