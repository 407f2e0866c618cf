package directory

import (
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// unset are the settings of a tenant without an AuthTenant. They are shared.
var unset v1alpha1.AuthTenantSpec

// AuthTenant gives the object that says how the tenant is run; there need not be one.
func (t *Tenant) AuthTenant() (*v1alpha1.AuthTenant, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.settings, t.settings != nil
}

// Settings are how the tenant is run. They must not be changed.
func (t *Tenant) Settings() *v1alpha1.AuthTenantSpec {
	if object, ok := t.AuthTenant(); ok {
		return &object.Spec
	}
	return &unset
}

// Algorithms are those that the tenant's keyring has to sign with: the two that are always
// published, and what the tenant and its clients ask for.
func (t *Tenant) Algorithms() []keys.Algorithm {
	t.mu.RLock()
	defer t.mu.RUnlock()
	algorithms := []keys.Algorithm{keys.ES256, keys.RS256}
	settings := &unset
	if t.settings != nil {
		settings = &t.settings.Spec
	}
	asksForEdDSA := (&v1alpha1.AuthClientSpec{}).EffectiveSigningAlgorithm(settings) == v1alpha1.SigningAlgorithmEdDSA
	for _, client := range t.clients.rows {
		asksForEdDSA = asksForEdDSA || client.Spec.EffectiveSigningAlgorithm(settings) == v1alpha1.SigningAlgorithmEdDSA
	}
	if asksForEdDSA {
		algorithms = append(algorithms, keys.EdDSA)
	}
	return algorithms
}

// HasRoomForGrant tells whether the endpoint may make another grant here. Applied grants do not
// count, and neither do those that are revoked: nothing brings them back. One that an authorization
// code made counts all the same: whoever has the code can revoke it, and make the next.
func (t *Tenant) HasRoomForGrant() bool {
	limit := int(t.Settings().EffectiveMaxGrants())
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.grants.rows) < limit {
		return true
	}
	made := 0
	for _, g := range t.grants.rows {
		if g.EndpointMade() && (g.IsOfCode() || g.Spec.EffectiveState() != v1alpha1.GrantStateRevoked) {
			made++
		}
	}
	return made < limit
}
