package directory

import (
	"maps"
	"slices"
)

// Counts tells how many rows of each kind a tenant has.
func (t *Tenant) Counts() map[Kind]int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return map[Kind]int{
		Users: len(t.users.rows), Clients: len(t.clients.rows), Grants: len(t.grants.rows),
		Sessions: len(t.sessions.rows), Revocations: len(t.revocations.rows), Secrets: len(t.secrets.rows),
	}
}

// Grants lists all grants, in no order.
func (t *Tenant) Grants() []*Grant {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Collect(maps.Values(t.grants.rows))
}
