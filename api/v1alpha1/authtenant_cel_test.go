package v1alpha1_test

import "testing"

func TestAuthTenantCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthTenant", map[string]creation{
		"everything may be absent": {name: "tenant", spec: `{}`},
		"every field may be set at once": {name: "tenant", spec: `
displayName: Team A
dialects: [OAuth2, Wazo]
defaults:
  audiences: ["https://api.example.com"]
  accessToken: {ttl: 30m, format: Reference, signingAlgorithm: EdDSA}
  wazoAccessToken: {ttl: 1h, format: JWT}
limits: {maxSessions: 0, maxGrants: 1000000}
keys: {rotateEvery: 1h}`},
		"a namespace is one tenant": {
			name: "another", spec: `{}`,
			wantField: "metadata", wantMessage: "metadata.name must be tenant",
		},
		"a tenant that speaks nothing serves nobody": {
			name: "tenant", spec: `dialects: []`,
			wantField: "spec.dialects", wantMessage: "at least 1 items",
		},
		"a dialect that nobody speaks": {
			name: "tenant", spec: `dialects: [SAML]`,
			wantField: "spec.dialects[0]", wantMessage: "supported values",
		},
		"keys outlive an hour": {
			name: "tenant", spec: `keys: {rotateEvery: 59m}`,
			wantField: "spec.keys.rotateEvery", wantMessage: "at least 1h",
		},
		"a control character cannot be shown": {
			name: "tenant", spec: `displayName: "a\u0007b"`,
			wantField: "spec.displayName", wantMessage: "control characters",
		},
	})
}
