package v1alpha1

import "slices"

// What absent fields of an AuthTenant mean.
const (
	// DefaultRotateEvery is how long a signing key signs: 90 days.
	DefaultRotateEvery Duration = "2160h"
	// DefaultTenantMaxSessions is how many live reference tokens a tenant may have.
	DefaultTenantMaxSessions int32 = 10_000
	// DefaultTenantMaxGrants is how many grants the endpoint keeps for a tenant.
	DefaultTenantMaxGrants int32 = 100_000
)

// Speaks says whether the endpoint speaks a dialect for the tenant. isDefault is whether it is the
// one that the routes at the root are for, which speaks wazo too where nothing else is said.
func (s *AuthTenantSpec) Speaks(dialect Dialect, isDefault bool) bool {
	if len(s.Dialects) == 0 {
		return dialect == DialectOAuth2 || isDefault
	}
	return slices.Contains(s.Dialects, dialect)
}

// EffectiveRotateEvery is how long a signing key signs, or DefaultRotateEvery where it is absent.
func (s *AuthTenantSpec) EffectiveRotateEvery() Duration {
	if s.Keys == nil {
		return DefaultRotateEvery
	}
	return derefOr(s.Keys.RotateEvery, DefaultRotateEvery)
}

// EffectiveMaxSessions bounds the live reference tokens, DefaultTenantMaxSessions where it is absent.
func (s *AuthTenantSpec) EffectiveMaxSessions() int32 {
	if s.Limits == nil {
		return DefaultTenantMaxSessions
	}
	return derefOr(s.Limits.MaxSessions, DefaultTenantMaxSessions)
}

// EffectiveMaxGrants bounds the endpoint's grants, DefaultTenantMaxGrants where it is absent.
func (s *AuthTenantSpec) EffectiveMaxGrants() int32 {
	if s.Limits == nil {
		return DefaultTenantMaxGrants
	}
	return derefOr(s.Limits.MaxGrants, DefaultTenantMaxGrants)
}

// accessToken are the defaults of the OAuth2 dialect; without any where s is nil.
func (s *AuthTenantSpec) accessToken() TenantAccessToken {
	if s == nil || s.Defaults == nil {
		return TenantAccessToken{}
	}
	return derefOr(s.Defaults.AccessToken, TenantAccessToken{})
}

// wazoAccessToken are the defaults of the wazo dialect; without any where s is nil.
func (s *AuthTenantSpec) wazoAccessToken() TenantWazoAccessToken {
	if s == nil || s.Defaults == nil {
		return TenantWazoAccessToken{}
	}
	return derefOr(s.Defaults.WazoAccessToken, TenantWazoAccessToken{})
}

// EffectiveWazoTTL is the life of a wazo access token where neither the request nor the grant says:
// the tenant's, or DefaultWazoAccessTokenTTL.
func (s *AuthTenantSpec) EffectiveWazoTTL() Duration {
	return derefOr(s.wazoAccessToken().TTL, DefaultWazoAccessTokenTTL)
}

// EffectiveWazoFormat is the form of a wazo access token where the grant does not say: the tenant's,
// or Reference.
func (s *AuthTenantSpec) EffectiveWazoFormat() TokenFormat {
	return orDefault(s.wazoAccessToken().Format, TokenFormatReference)
}
