package issuing

import "github.com/grantkeeper/grantkeeper/internal/keys"

// Tenant names the tenant of a namespace, for dialects that tell its uid. It refuses with
// UnknownTenant where there is none, or none yet.
func (s *Service) Tenant(namespace string) (keys.Tenant, error) {
	_, ring, err := s.tenant(namespace)
	if err != nil {
		return keys.Tenant{}, err
	}
	return ring.Tenant(), nil
}
