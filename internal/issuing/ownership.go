package issuing

import (
	"context"
	"slices"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Introspect tells a client what an OAuth2 access token stands for (RFC 7662): one that it was given,
// or one that is addressed to it. Any other token is as unknown as one that is not good. A Public
// client is refused with InvalidClient.
func (s *Service) Introspect(ctx context.Context, c *AuthenticatedClient, token string) (*Checked, error) {
	if c.client.Spec.IsPublic() {
		return nil, errNotAuthenticated // anybody could be it
	}
	checked, err := s.Check(ctx, c.tenant.Namespace(), token)
	if err != nil {
		return nil, err
	}
	a, id := checked.Access, c.client.EffectiveClientID()
	if a.Dialect != tokens.OAuth2 || a.ClientID != id && !slices.Contains(a.Audiences, id) {
		return nil, errUnknownToken
	}
	return checked, nil
}

// errOthersToken refuses to revoke a token that another client was given (RFC 7009 §2.1).
var errOthersToken = refuse(UnauthorizedClient, "the token is another client's")

// RevokeOwn ends a token of a client's (RFC 7009). An access token ends by itself. A refresh token
// ends with every token of its grant, whose epoch moves; where the grant has a Secret, that gets a
// new one. It is no error where the token is not good any more or never was.
func (s *Service) RevokeOwn(ctx context.Context, c *AuthenticatedClient, token string) error {
	_, g, err := s.presentedGrant(ctx, c.tenant, c.ring, token)
	switch {
	case err == nil:
		return s.revokeGrant(ctx, c, g)
	case AsRefusal(err).Reason != InvalidGrant:
		return err
	}
	o, err := s.open(ctx, c.tenant, c.ring, token)
	switch {
	case err != nil && AsRefusal(err).Reason == UnknownToken:
		return nil
	case err != nil:
		return err
	case o.access.Dialect != tokens.OAuth2:
		return nil
	case o.access.ClientID != c.client.EffectiveClientID():
		return errOthersToken
	}
	return s.end(ctx, c.tenant, o)
}

func (s *Service) revokeGrant(ctx context.Context, c *AuthenticatedClient, g *directory.Grant) error {
	switch {
	case g.Spec.IsWazo():
		return nil
	case g.Spec.ClientRef.Name != c.client.Name:
		return errOthersToken
	}
	return s.endEpoch(ctx, c.tenant, g, endedByClient)
}
