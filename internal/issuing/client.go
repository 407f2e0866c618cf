package issuing

import (
	"context"

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
	// Method is empty for a client that gave its client_id and nothing else.
	Method v1alpha1.ClientAuthentication
}

// registered is a client in its tenant, of whom nothing is proven.
type registered struct {
	tenant *directory.Tenant
	ring   *keys.Ring
	client *directory.Client
}

// AuthenticatedClient is a client that has proven its secret, or a Public one, which has none. Only
// AuthenticateClient makes one, so no OAuth2 grant can be reached without it.
type AuthenticatedClient struct{ registered }

// AuthenticateClient checks a client's secret in constant time, with the same work for a client
// that does not exist. A Public client needs to name itself only, and may not present a secret
// (RFC 6749 §3.2.1). It refuses with InvalidClient, and does no I/O.
func (s *Service) AuthenticateClient(ctx context.Context, namespace string, presented ClientAuthentication) (c *AuthenticatedClient, err error) {
	defer func() {
		if err != nil {
			s.recordClientRefused(ctx, namespace, presented.ClientID, AsRefusal(err).Reason)
		}
	}()
	t, ring, err := s.tenant(namespace)
	if err != nil {
		return nil, err
	}
	client, known := t.ClientByID(presented.ClientID)
	if known && client.Spec.IsPublic() && presented.Method == "" && t.ClientStanding(client).Good() {
		return &AuthenticatedClient{registered{tenant: t, ring: ring, client: client}}, nil
	}
	var current, previous sensitive.String
	if known && client.Spec.EffectiveAuthentication() == presented.Method {
		current, previous, _ = t.ClientSecrets(client, s.Clock.Now())
	}
	proven := passwords.VerifySecret(presented.Secret, current, previous)
	if !known || !proven || !t.ClientStanding(client).Good() {
		return nil, errNotAuthenticated
	}
	return &AuthenticatedClient{registered{tenant: t, ring: ring, client: client}}, nil
}

// errNotAuthenticated is the one answer to every client that may not do what it asks as itself.
var errNotAuthenticated = refuse(InvalidClient, "client authentication failed")

// may refuses a grant type that the client does not list.
func (c *registered) may(grantType v1alpha1.GrantType) error {
	if !c.client.Spec.AllowsGrantType(grantType) {
		return refuse(UnauthorizedClient, "the client may not use this grant type")
	}
	return nil
}
