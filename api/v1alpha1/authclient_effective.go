package v1alpha1

import "slices"

// DefaultAccessTokenTTL is the life of an OAuth 2.0 access token where neither grant nor client
// says otherwise.
const DefaultAccessTokenTTL Duration = "1h"

// defaultGrantTypes is what absent grantTypes mean: the client may use the grants it was given.
var defaultGrantTypes = []GrantType{GrantTypeRefreshToken}

// EffectiveClientID is spec.clientID, or metadata.name where that is absent.
func (c *AuthClient) EffectiveClientID() string {
	if c.Spec.ClientID != "" {
		return c.Spec.ClientID
	}
	return c.Name
}

// EffectiveAuthentication is the authentication, or SecretBasic where it is absent.
func (s *AuthClientSpec) EffectiveAuthentication() ClientAuthentication {
	return orDefault(s.Authentication, ClientAuthenticationSecretBasic)
}

// AllowsGrantType says whether the client may use a grant type. Absent grantTypes allow
// RefreshToken alone.
func (s *AuthClientSpec) AllowsGrantType(grantType GrantType) bool {
	if len(s.GrantTypes) == 0 {
		return slices.Contains(defaultGrantTypes, grantType)
	}
	return slices.Contains(s.GrantTypes, grantType)
}

// EffectiveTTL is the life of the client's access tokens, or DefaultAccessTokenTTL where it is
// absent.
func (s *AuthClientSpec) EffectiveTTL() Duration {
	if s.AccessToken == nil {
		return DefaultAccessTokenTTL
	}
	return derefOr(s.AccessToken.TTL, DefaultAccessTokenTTL)
}

// EffectiveFormat is the form of the client's access tokens, or JWT where it is absent.
func (s *AuthClientSpec) EffectiveFormat() TokenFormat {
	if s.AccessToken == nil {
		return TokenFormatJWT
	}
	return orDefault(s.AccessToken.Format, TokenFormatJWT)
}

// EffectiveSigningAlgorithm signs the client's self-contained tokens; ES256 where it is absent.
func (s *AuthClientSpec) EffectiveSigningAlgorithm() SigningAlgorithm {
	if s.AccessToken == nil {
		return SigningAlgorithmES256
	}
	return orDefault(s.AccessToken.SigningAlgorithm, SigningAlgorithmES256)
}
