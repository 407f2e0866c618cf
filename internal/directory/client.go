package directory

import (
	"sync/atomic"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

// Client is one AuthClient, ready to be asked.
type Client struct {
	*v1alpha1.AuthClient
	// Scopes are the compiled spec.scopes.
	Scopes scopes.Patterns

	unusable  string
	generated *Generated
	secrets   atomic.Pointer[heldSecrets]
}

type clientTable struct {
	*table[*Client]
	byClientID, bySecret *index[*Client]
}

func newClientTable() clientTable {
	byClientID := newIndex(func(c *Client) []string { return []string{c.EffectiveClientID()} })
	bySecret := newIndex(func(c *Client) []string { return []string{clientSecretName(c.AuthClient)} })
	return clientTable{newTable(byClientID, bySecret), byClientID, bySecret}
}

// NewClient makes the row of an AuthClient.
func NewClient(object *v1alpha1.AuthClient) *Client {
	c := &Client{AuthClient: object}
	compiled, err := scopes.Compile(object.Spec.Scopes)
	if err != nil {
		c.unusable = "spec.scopes: " + err.Error()
	}
	c.Scopes = compiled
	if c.generated, err = generatedClientSecret(object); err != nil {
		c.unusable = "spec.secret.generate." + err.Error()
	}
	return c
}

// ClientByID finds the client that holds a client_id.
func (t *Tenant) ClientByID(clientID string) (*Client, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return holderOf(t.clients.byClientID, clientID, (*Client).claim)
}

// Client looks up a client by its object's name.
func (t *Tenant) Client(name string) (*Client, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.clients.get(name)
}

// sharing names the other clients that claim the same client_id.
func (ct clientTable) sharing(name string) []string {
	c, ok := ct.get(name)
	if !ok {
		return nil
	}
	return otherNames(ct.byClientID, c.EffectiveClientID(), name)
}

// ClientsWithSecret names the clients whose secret is in the named Secret.
func (t *Tenant) ClientsWithSecret(secret string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return otherNames(t.clients.bySecret, secret, "")
}

// ClientStanding tells whether a client may be used, and if not, why. A missing secret is no part
// of it: see ClientSecrets.
func (t *Tenant) ClientStanding(c *Client) Standing {
	if c.unusable != "" {
		return NewStanding(v1alpha1.ReasonInvalidSpec, "%s", c.unusable)
	}
	if holder, ok := t.ClientByID(c.EffectiveClientID()); ok && holder.Name != c.Name {
		return NewStanding(v1alpha1.ReasonDuplicateClientID, "the client_id %q is held by AuthClient %q", c.EffectiveClientID(), holder.Name)
	}
	return Standing{}
}

func (c *Client) claim(clientID string) claim {
	return claim{incumbent: c.Status.ClientID == clientID, since: c.CreationTimestamp.Time, name: c.Name}
}
