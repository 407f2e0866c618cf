package directory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// ErrNoKeyring says that a tenant's keyring has not been made or not been seen yet.
var ErrNoKeyring = errors.New("the tenant has no keyring yet")

// Tenant is one namespace's part of the directory. All methods may be called at once from many
// goroutines; none does I/O.
type Tenant struct {
	directory *Directory
	namespace string
	ring      atomic.Pointer[ringOrError]

	mu          sync.RWMutex
	settings    *v1alpha1.AuthTenant // nil where there is none
	users       userTable
	clients     clientTable
	grants      grantTable
	sessions    sessionTable
	revocations revocationTable
	secrets     *table[*corev1.Secret]
	shapes      *shapes
}

type ringOrError struct {
	ring *keys.Ring
	err  error
}

func newTenant(d *Directory, namespace string) *Tenant {
	return &Tenant{
		directory:   d,
		namespace:   namespace,
		users:       newUserTable(),
		clients:     newClientTable(),
		grants:      newGrantTable(),
		sessions:    newSessionTable(),
		revocations: newRevocationTable(),
		secrets:     newTable[*corev1.Secret](),
		shapes:      newShapes(),
	}
}

// Namespace is the tenant's name.
func (t *Tenant) Namespace() string { return t.namespace }

// Ring gives the tenant's keyring, ErrNoKeyring before there is one, or why it cannot be used.
func (t *Tenant) Ring() (*keys.Ring, error) {
	held := t.ring.Load()
	if held == nil {
		return nil, ErrNoKeyring
	}
	if held.err != nil {
		return nil, fmt.Errorf("keyring of %q: %w", t.namespace, held.err)
	}
	return held.ring, nil
}

// RingStanding gives the keyring, or why there is none as a condition tells it.
func (t *Tenant) RingStanding() (*keys.Ring, Standing) {
	ring, err := t.Ring()
	switch {
	case errors.Is(err, ErrNoKeyring):
		return nil, NewStanding(v1alpha1.ReasonTenantNotReady, "the namespace's keyring has not been made yet")
	case err != nil:
		return nil, NewStanding(v1alpha1.ReasonKeyringUnreadable, "%v", err)
	}
	return ring, Standing{}
}

// Secret looks up a labelled Secret of the tenant. Not found here does not mean absent: a Secret
// without the label is never read.
func (t *Tenant) Secret(name string) (*corev1.Secret, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.secrets.get(name)
}

// everything names all rows, for a new subscriber.
func (t *Tenant) everything() []Change {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := []Change{{Keyrings, t.namespace, t.namespace}}
	if t.settings != nil {
		all = append(all, Change{Tenants, t.namespace, t.settings.Name})
	}
	all = appendNames(all, Users, t.namespace, t.users.table)
	all = appendNames(all, Clients, t.namespace, t.clients.table)
	all = appendNames(all, Grants, t.namespace, t.grants.table)
	all = appendNames(all, Sessions, t.namespace, t.sessions.table)
	all = appendNames(all, Revocations, t.namespace, t.revocations.table)
	return appendNames(all, Secrets, t.namespace, t.secrets)
}

func appendNames[T object](to []Change, kind Kind, namespace string, from *table[T]) []Change {
	for name := range from.rows {
		to = append(to, Change{kind, namespace, name})
	}
	return to
}

// UserNames names all users, in no order.
func (t *Tenant) UserNames() []string { return namesOf(t, t.users.table) }

// ClientNames names all clients, in no order.
func (t *Tenant) ClientNames() []string { return namesOf(t, t.clients.table) }

// GrantNames names all grants, in no order.
func (t *Tenant) GrantNames() []string { return namesOf(t, t.grants.table) }

// Counts tells how many rows of each kind a tenant has.
func (t *Tenant) Counts() map[Kind]int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return map[Kind]int{
		Users: len(t.users.rows), Clients: len(t.clients.rows), Grants: len(t.grants.rows),
		Sessions: len(t.sessions.rows), Revocations: len(t.revocations.rows), Secrets: len(t.secrets.rows),
	}
}

// InUse tells whether the namespace has a user, a client, a grant or an AuthTenant, which is what
// makes it a tenant.
func (t *Tenant) InUse() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.settings != nil || len(t.users.rows)+len(t.clients.rows)+len(t.grants.rows) > 0
}

func namesOf[T object](t *Tenant, from *table[T]) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Keys(from.rows))
}

func rowsOf[T object](t *Tenant, from *table[T]) []T {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Values(from.rows))
}
