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

// EffectiveTTL is the life of the client's access tokens, or where it is absent that of its tenant, or
// DefaultAccessTokenTTL. The tenant may be nil.
func (s *AuthClientSpec) EffectiveTTL(tenant *AuthTenantSpec) Duration {
	inherited := derefOr(tenant.accessToken().TTL, DefaultAccessTokenTTL)
	if s.AccessToken == nil {
		return inherited
	}
	return derefOr(s.AccessToken.TTL, inherited)
}

// EffectiveFormat is the form of the client's access tokens, or where it is absent that of its tenant,
// or JWT. The tenant may be nil.
func (s *AuthClientSpec) EffectiveFormat(tenant *AuthTenantSpec) TokenFormat {
	inherited := orDefault(tenant.accessToken().Format, TokenFormatJWT)
	if s.AccessToken == nil {
		return inherited
	}
	return orDefault(s.AccessToken.Format, inherited)
}

// EffectiveSigningAlgorithm signs the client's self-contained tokens: where it is absent the tenant's,
// or ES256. The tenant may be nil.
func (s *AuthClientSpec) EffectiveSigningAlgorithm(tenant *AuthTenantSpec) SigningAlgorithm {
	inherited := orDefault(tenant.accessToken().SigningAlgorithm, SigningAlgorithmES256)
	if s.AccessToken == nil {
		return inherited
	}
	return orDefault(s.AccessToken.SigningAlgorithm, inherited)
}

// EffectiveAudiences are the client's audiences, or where there are none those of its tenant. None
// at all means the tenant's issuer. The tenant may be nil.
func (s *AuthClientSpec) EffectiveAudiences(tenant *AuthTenantSpec) []string {
	if len(s.Audiences) > 0 || tenant == nil || tenant.Defaults == nil {
		return s.Audiences
	}
	return tenant.Defaults.Audiences
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
