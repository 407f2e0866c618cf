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

// DefaultGracePeriod is how long the refresh token before is answered with the current one where a
// client that rotates says nothing.
const DefaultGracePeriod Duration = "30s"

// IsPublic says whether the client has no secret. Absent, type is Confidential.
func (s *AuthClientSpec) IsPublic() bool { return s.Type == ClientTypePublic }

// EffectiveRotation is refreshToken.rotation; where it is absent, Never for a Confidential client and
// Always for a Public one.
func (s *AuthClientSpec) EffectiveRotation() RefreshTokenRotation {
	byType := RefreshTokenRotationNever
	if s.IsPublic() {
		byType = RefreshTokenRotationAlways
	}
	if s.RefreshToken == nil {
		return byType
	}
	return orDefault(s.RefreshToken.Rotation, byType)
}

// EffectiveGracePeriod is refreshToken.gracePeriod, or DefaultGracePeriod where it is absent.
func (s *AuthClientSpec) EffectiveGracePeriod() Duration {
	if s.RefreshToken == nil {
		return DefaultGracePeriod
	}
	return derefOr(s.RefreshToken.GracePeriod, DefaultGracePeriod)
}
