package issuing

import (
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Tenant names the tenant of a namespace, for dialects that tell its uid. It refuses with
// UnknownTenant where there is none, or none yet.
func (s *Service) Tenant(namespace string) (keys.Tenant, error) {
	_, ring, err := s.tenant(namespace)
	if err != nil {
		return keys.Tenant{}, err
	}
	return ring.Tenant(), nil
}

// errNotSpoken is that of a dialect which a tenant does not speak: in its words there is no such
// tenant.
var errNotSpoken = refuse(UnknownTenant, "there is no such tenant")

// Speaks refuses with UnknownTenant where a tenant does not speak a dialect. It asks nothing else of
// the tenant, which need not exist: while it is not known as it is now, whoever answers says so.
func (s *Service) Speaks(namespace string, dialect v1alpha1.Dialect) error {
	t, ok := s.Directory.Tenant(namespace)
	if ok && s.Directory.Known(namespace, s.Clock.Now()) == nil && !t.Settings().Speaks(dialect, namespace == s.DefaultTenant) {
		return errNotSpoken
	}
	return nil
}
