package issuing

import (
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// ClientAuthentication is how a client proved who it is (RFC 6749 §2.3.1).
type ClientAuthentication struct {
	ClientID string
	Secret   sensitive.String
	Method   v1alpha1.ClientAuthentication
}

// AuthenticatedClient is a client that has proven its secret. Only AuthenticateClient makes one, so
// no OAuth2 grant can be reached without it.
type AuthenticatedClient struct {
	tenant *directory.Tenant
	ring   *keys.Ring
	client *directory.Client
}

// AuthenticateClient checks a client's secret in constant time, with the same work for a client
// that does not exist. It refuses with InvalidClient, and does no I/O.
func (s *Service) AuthenticateClient(namespace string, presented ClientAuthentication) (*AuthenticatedClient, error) {
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	client, known := t.ClientByID(presented.ClientID)
	var secret sensitive.String
	if known && client.Spec.EffectiveAuthentication() == presented.Method {
		secret, _ = t.ClientSecret(client)
	}
	proven := passwords.VerifySecret(presented.Secret, secret)
	if !known || !proven || !t.ClientStanding(client).Good() {
		return nil, refuse(InvalidClient, "client authentication failed")
	}
	return &AuthenticatedClient{tenant: t, ring: ring, client: client}, nil
}

// may refuses a grant type that the client does not list.
func (c *AuthenticatedClient) may(grantType v1alpha1.GrantType) error {
	if !c.client.Spec.AllowsGrantType(grantType) {
		return refuse(UnauthorizedClient, "the client may not use this grant type")
	}
	return nil
}
