package directory

import (
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// Grant is one RefreshTokenGrant, ready to be asked.
type Grant struct {
	*v1alpha1.RefreshTokenGrant
}

type grantTable struct {
	*table[*Grant]
	byID, byUser, byClient, byTarget, bySubject, byToken, byWorkload *index[*Grant]
}

func newGrantTable() grantTable {
	byID := newIndex(func(g *Grant) []string { return []string{g.Spec.ID} })
	byUser := newIndex(func(g *Grant) []string { return []string{g.ofTenant(g.Spec.UserRef.Name)} })
	byClient := newIndex(func(g *Grant) []string { return []string{g.ofTenant(g.clientName())} })
	byTarget := newIndex(func(g *Grant) []string { return []string{g.targetName()} })
	bySubject := newIndex(func(g *Grant) []string { return []string{g.endpointSubject()} })
	byToken := newIndex(func(g *Grant) []string { return []string{g.Status.TokenID} })
	byWorkload := newIndex((*Grant).workloads)
	return grantTable{
		table: newTable(byID, byUser, byClient, byTarget, bySubject, byToken, byWorkload),
		byID:  byID, byUser: byUser, byClient: byClient, byTarget: byTarget, bySubject: bySubject, byToken: byToken, byWorkload: byWorkload,
	}
}

// EndpointMade tells whether the token endpoint made the grant, rather than a person or GitOps:
// only such a grant may the endpoint change and the sweeper remove. It makes them in its users' own
// namespaces: one that crosses and looks the part was made by somebody who may say nothing about the
// user's logins.
func (g *Grant) EndpointMade() bool {
	return g.Spec.UserRef.Subject != "" && g.CrossesFrom() == "" && g.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedByGrantkeeper
}

// IsOfCode tells whether an authorization code made the grant.
func (g *Grant) IsOfCode() bool {
	return g.EndpointMade() && g.Spec.Login != nil && g.Spec.Login.CodeExpiresAt != nil
}

// ofTenant is a name that the grant refers to, unless it lies in another namespace (see crossings).
func (g *Grant) ofTenant(name string) string {
	if g.CrossesFrom() != "" {
		return ""
	}
	return name
}

func (g *Grant) targetName() string {
	name, _ := g.TargetName()
	return name
}

func (g *Grant) clientName() string {
	if g.Spec.ClientRef == nil {
		return ""
	}
	return g.Spec.ClientRef.Name
}

func (g *Grant) endpointSubject() string {
	if !g.EndpointMade() {
		return ""
	}
	return g.Spec.UserRef.Subject
}

// workloads are the keys of what the grant restarts.
func (g *Grant) workloads() (keys []string) {
	for _, target := range g.Spec.RestartTargets() {
		keys = append(keys, workloadKey(target.Kind, target.Name))
	}
	return keys
}

func workloadKey(kind v1alpha1.WorkloadKind, name string) string { return string(kind) + "/" + name }

// GrantsOfWorkload lists the grants that restart a workload, in the order of their names.
func (t *Tenant) GrantsOfWorkload(kind v1alpha1.WorkloadKind, name string) []*Grant {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.grants.byWorkload.all(workloadKey(kind, name))
}

// GrantByID finds the grant in this namespace that holds an id. It may be another tenant's, whose
// user it names.
func (t *Tenant) GrantByID(id string) (*Grant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return holderOf(t.grants.byID, id, (*Grant).claimID)
}

// Grant looks up a grant by its object's name.
func (t *Tenant) Grant(name string) (*Grant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.grants.get(name)
}

// Grants lists all grants, in no order.
func (t *Tenant) Grants() []*Grant { return rowsOf(t, t.grants.table) }

// EndpointGrants lists the grants that the endpoint made for a subject.
func (t *Tenant) EndpointGrants(subject string) []*Grant {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.grants.bySubject.all(subject)
}

// EndpointMadeGrants lists all grants here that the endpoint made, in no order.
func (t *Tenant) EndpointMadeGrants() (made []*Grant) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, g := range t.grants.rows {
		if g.EndpointMade() {
			made = append(made, g)
		}
	}
	return made
}

// GrantsOfUser names the grants in this namespace that refer to a user of it.
func (t *Tenant) GrantsOfUser(user string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return otherNames(t.grants.byUser, user, "")
}

// GrantsOfClient names the grants in this namespace that refer to a client of it.
func (t *Tenant) GrantsOfClient(client string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return otherNames(t.grants.byClient, client, "")
}

// GrantsWithTarget names the grants that write the named Secret, or want to.
func (t *Tenant) GrantsWithTarget(secret string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return otherNames(t.grants.byTarget, secret, "")
}

// sharing names the other grants that claim the same id or the same target Secret.
func (gt grantTable) sharing(name string) []string {
	g, ok := gt.get(name)
	if !ok {
		return nil
	}
	return append(otherNames(gt.byID, g.Spec.ID, name), otherNames(gt.byTarget, g.targetName(), name)...)
}

// GrantDuplicate names the grant that holds this one's id, where that is another. Only grants of one
// namespace can be in each other's way: everywhere else an id counts together with its namespace.
func (t *Tenant) GrantDuplicate(g *Grant) (holder string, duplicate bool) {
	home, ok := t.directory.Tenant(g.Namespace)
	if !ok || g.Spec.ID == "" {
		return "", false
	}
	held, ok := home.GrantByID(g.Spec.ID)
	return nameOf(held), ok && held.Name != g.Name
}

// TargetHolder names the grant whose Secret the named one is, among those that want it: the older.
// What the Secret itself says comes before this (see package secretwriter).
func (t *Tenant) TargetHolder(secret string) (grant string) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	held, _ := holderOf(t.grants.byTarget, secret, (*Grant).claimTarget)
	return nameOf(held)
}

func nameOf(g *Grant) string {
	if g == nil {
		return ""
	}
	return g.Name
}

// claimID treats a grant that has issued as the incumbent of its id.
func (g *Grant) claimID(string) claim {
	return claim{incumbent: g.Status.Revision > 0, since: g.CreationTimestamp.Time, name: g.Name}
}

func (g *Grant) claimTarget(string) claim {
	return claim{since: g.CreationTimestamp.Time, name: g.Name}
}
