package v1alpha1

// What absent fields of a RefreshTokenGrant mean.
const (
	// DefaultWazoAccessTokenTTL is the life of a wazo access token where nobody says otherwise.
	DefaultWazoAccessTokenTTL Duration = "2h"
	// DefaultTargetSuffix behind the grant's name is the name of a target Secret without one.
	DefaultTargetSuffix = "-token"
	// DefaultMinRestartInterval is the least time between two restarts of a workload.
	DefaultMinRestartInterval Duration = "1h"
	// FirstEpoch is the epoch of a grant that never moved it.
	FirstEpoch int64 = 1
	// FirstGeneration is the generation of a refresh token that never rotated.
	FirstGeneration int64 = 1
)

// IsWazo says whether the grant belongs to the wazo dialect: it names a free client_id, not an
// AuthClient.
func (s *RefreshTokenGrantSpec) IsWazo() bool {
	return s.ClientRef == nil
}

// UserNamespace is where the grant's user and client are, and whose tenant signs its tokens: the
// grant's own namespace where userRef names none.
func (g *RefreshTokenGrant) UserNamespace() string {
	return orDefault(g.Spec.UserRef.Namespace, g.Namespace)
}

// CrossesFrom is the grant's namespace where its user is in another one, and empty where it is not.
func (g *RefreshTokenGrant) CrossesFrom() string {
	if g.UserNamespace() == g.Namespace {
		return ""
	}
	return g.Namespace
}

// EffectiveState is the state, or Active where it is absent. It does not look at expiresAt.
func (s *RefreshTokenGrantSpec) EffectiveState() GrantState {
	return orDefault(s.State, GrantStateActive)
}

// EffectiveEpoch is the epoch, or FirstEpoch where it is absent.
func (s *RefreshTokenGrantSpec) EffectiveEpoch() int64 {
	return max(s.Epoch, FirstEpoch)
}

// EffectiveGeneration is the generation of the refresh token, or FirstGeneration where it is
// absent.
func (s *RefreshTokenGrantSpec) EffectiveGeneration() int64 {
	if s.RefreshToken == nil {
		return FirstGeneration
	}
	return max(s.RefreshToken.Generation, FirstGeneration)
}

// DeliversRefreshToken says whether the target Secret holds the refresh token.
func (s *RefreshTokenGrantSpec) DeliversRefreshToken() bool {
	return s.RefreshToken != nil && s.RefreshToken.Delivery == RefreshTokenDeliverySecret
}

// EffectiveTTL is how long the grant's access tokens live: its own ttl, else that of client, else
// that of tenant, else the dialect's default. The client is nil for a wazo grant; the tenant may be.
func (s *RefreshTokenGrantSpec) EffectiveTTL(client *AuthClientSpec, tenant *AuthTenantSpec) Duration {
	switch {
	case s.AccessToken != nil && s.AccessToken.TTL != nil:
		return *s.AccessToken.TTL
	case client != nil:
		return client.EffectiveTTL(tenant)
	default:
		return tenant.EffectiveWazoTTL()
	}
}

// EffectiveFormat is the form of the grant's access tokens: its own format, else that of client,
// else that of tenant, else the dialect's. The client is nil for a wazo grant; the tenant may be.
func (s *RefreshTokenGrantSpec) EffectiveFormat(client *AuthClientSpec, tenant *AuthTenantSpec) TokenFormat {
	switch {
	case s.AccessToken != nil && s.AccessToken.Format != "":
		return s.AccessToken.Format
	case client != nil:
		return client.EffectiveFormat(tenant)
	default:
		return tenant.EffectiveWazoFormat()
	}
}

// RestartTargets are the workloads that are restarted after the token has changed.
func (s *RefreshTokenGrantSpec) RestartTargets() []WorkloadReference {
	if s.RolloutRestart == nil {
		return nil
	}
	return s.RolloutRestart.Targets
}

// EffectiveMinInterval is the least time between two restarts, or DefaultMinRestartInterval where it is
// absent.
func (r *RolloutRestart) EffectiveMinInterval() Duration {
	return derefOr(r.MinInterval, DefaultMinRestartInterval)
}

// TargetName is the name of the target Secret, and whether there is one.
func (g *RefreshTokenGrant) TargetName() (string, bool) {
	if g.Spec.Target == nil {
		return "", false
	}
	return orDefault(g.Spec.Target.Name, g.Name+DefaultTargetSuffix), true
}

// EffectiveCreationPolicy is the creation policy, or Owner where it is absent.
func (t *GrantTarget) EffectiveCreationPolicy() CreationPolicy {
	return orDefault(t.CreationPolicy, CreationPolicyOwner)
}

// EffectiveKeys are the data keys of the Secret, each filled in: the renamed ones and the default
// names of the others. RefreshToken is filled in whether or not it is delivered.
func (t *GrantTarget) EffectiveKeys() TargetKeys {
	keys := derefOr(t.Keys, TargetKeys{})
	return TargetKeys{
		AccessToken:  orDefault(keys.AccessToken, KeyAccessToken),
		Expiry:       orDefault(keys.Expiry, KeyExpiry),
		TokenType:    orDefault(keys.TokenType, KeyTokenType),
		ClientID:     orDefault(keys.ClientID, KeyClientID),
		Issuer:       orDefault(keys.Issuer, KeyIssuer),
		TokenURL:     orDefault(keys.TokenURL, KeyTokenURL),
		CABundle:     orDefault(keys.CABundle, KeyCABundle),
		RefreshToken: orDefault(keys.RefreshToken, KeyRefreshToken),
	}
}
