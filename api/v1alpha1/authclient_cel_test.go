package v1alpha1_test

import (
	"strings"
	"testing"
)

// withSecret is the least that an AuthClient needs, with more fields behind it.
func withSecret(fields string) string {
	return "secret: {generate: {secretName: s}}\n" + fields
}

func TestAuthClientCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthClient", map[string]creation{
		"a secret is all that a client needs": {spec: withSecret("")},
		"every field may be set at once": {spec: withSecret(`
clientID: "billing/eu-1"
type: Confidential
authentication: SecretPost
grantTypes: [Password, RefreshToken, ClientCredentials]
scopes: [PRODUCTION, "orders:*", "!orders:delete"]
defaultScopes: ["orders:read"]
audiences: ["https://orders.example.com", kubernetes]
accessToken: {ttl: 1h30m, format: Reference, signingAlgorithm: RS256}`)},
		"a confidential client has a secret": {
			spec:      `{}`,
			wantField: "spec.secret", wantMessage: "secret is required for a Confidential client",
		},
		"a secret comes from somewhere": {
			spec:      `secret: {}`,
			wantField: "spec.secret", wantMessage: "secret needs exactly one of secretRef and generate",
		},
		"a secret comes from one place": {
			spec:      `secret: {secretRef: {name: a, key: b}, generate: {secretName: c}}`,
			wantField: "spec.secret", wantMessage: "secret needs exactly one of secretRef and generate",
		},
		"a generated secret needs a possible place": {
			spec:      `secret: {generate: {secretName: "A"}}`,
			wantField: "spec.secret.generate.secretName", wantMessage: "must be the name of a Secret",
		},
		"a generated secret needs a place without empty parts": {
			spec:      `secret: {generate: {secretName: a..b}}`,
			wantField: "spec.secret.generate.secretName", wantMessage: "must be the name of a Secret",
		},
		"a public client has no secret to keep": {
			spec:      withSecret(`type: Public`),
			wantField: "spec.secret", wantMessage: "a Public client has no secret",
		},
		"authentication is one of two": {
			spec:      withSecret(`authentication: None`),
			wantField: "spec.authentication", wantMessage: `supported values: "SecretBasic", "SecretPost"`,
		},
		"a grant type is one of three": {
			spec:      withSecret(`grantTypes: [Implicit]`),
			wantField: "spec.grantTypes[0]", wantMessage: `supported values: "Password", "RefreshToken", "ClientCredentials"`,
		},
		"a grant type comes once": {
			spec:      withSecret(`grantTypes: [Password, Password]`),
			wantField: "spec.grantTypes[1]", wantMessage: "Duplicate value",
		},
		"no grant types is not the same as absent ones": {
			spec:      withSecret(`grantTypes: []`),
			wantField: "spec.grantTypes", wantMessage: "at least 1 items",
		},
		"a default scope is concrete": {
			spec:      withSecret(`defaultScopes: ["orders:*"]`),
			wantField: "spec.defaultScopes[0]", wantMessage: "defaultScopes must be concrete",
		},
		"a default scope denies nothing": {
			spec:      withSecret(`defaultScopes: ["!orders:read"]`),
			wantField: "spec.defaultScopes[0]", wantMessage: "defaultScopes must be concrete",
		},
		"a pattern of scopes is visible ASCII": {
			spec:      withSecret(`scopes: ["a b"]`),
			wantField: "spec.scopes[0]", wantMessage: "scopes must be patterns",
		},
		"256 patterns of 256 characters with 8 wildcards each are within the bounds": {
			spec: withSecret("scopes: [" + repeat(256, "'*#*#*#*#%0248d'") + "]"),
		},
		"9 wildcards in a pattern cost too much": {
			spec:      withSecret(`scopes: [a, "*.*.*.*.#.a*b.c#d*.#"]`),
			wantField: "spec.scopes[1]", wantMessage: "scopes may hold at most 8 wildcards",
		},
		"an audience has no fragment": {
			spec:      withSecret(`audiences: ["https://orders.example.com/#top"]`),
			wantField: "spec.audiences[0]", wantMessage: "audiences must be visible ASCII without quotes, backslashes and '#'",
		},
		"a lifetime is a duration": {
			spec:      withSecret(`accessToken: {ttl: 1 hour}`),
			wantField: "spec.accessToken.ttl", wantMessage: "must be a duration in whole seconds",
		},
		"a lifetime is not zero": {
			spec:      withSecret(`accessToken: {ttl: 0s}`),
			wantField: "spec.accessToken.ttl", wantMessage: "must be at least 1s",
		},
		"a lifetime is whole seconds": {
			spec:      withSecret(`accessToken: {ttl: 1500ms}`),
			wantField: "spec.accessToken.ttl", wantMessage: "must be a duration in whole seconds",
		},
		"a format is one of two": {
			spec:      withSecret(`accessToken: {format: Opaque}`),
			wantField: "spec.accessToken.format", wantMessage: `supported values: "JWT", "Reference"`,
		},
		"none is no algorithm": {
			spec:      withSecret(`accessToken: {signingAlgorithm: none}`),
			wantField: "spec.accessToken.signingAlgorithm", wantMessage: `supported values: "ES256", "RS256"`,
		},
	})
}

func TestAuthClientID(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthClient", map[string]creation{
		"a client_id with a colon could not use HTTP Basic": {
			spec:      withSecret(`clientID: "a:b"`),
			wantField: "spec.clientID", wantMessage: "clientID must be visible ASCII without ':'",
		},
		"a client_id has no spaces": {
			spec:      withSecret(`clientID: "a b"`),
			wantField: "spec.clientID", wantMessage: "clientID must be visible ASCII",
		},
		"a UUID could be a user's subject": {
			spec:      withSecret(`clientID: ` + aUUID),
			wantField: "spec.clientID", wantMessage: "clientID may not be a UUID",
		},
		"a UUID in upper case is one too": {
			spec:      withSecret(`clientID: ` + strings.ToUpper(aUUID)),
			wantField: "spec.clientID", wantMessage: "clientID may not be a UUID",
		},
		"a UUID in braces is one too": {
			spec:      withSecret(`clientID: "{` + aUUID + `}"`),
			wantField: "spec.clientID", wantMessage: "clientID may not be a UUID",
		},
		"a UUID with its URN prefix has colons": {
			spec:      withSecret(`clientID: "urn:uuid:` + aUUID + `"`),
			wantField: "spec.clientID", wantMessage: "clientID must be visible ASCII without ':'",
		},
		"a UUID without dashes is one too": {
			spec:      withSecret(`clientID: "` + strings.ReplaceAll(aUUID, "-", "") + `"`),
			wantField: "spec.clientID", wantMessage: "clientID may not be a UUID",
		},
		"a UUID with more behind it is none": {spec: withSecret(`clientID: ` + aUUID + `-billing`)},
		"a name that is a UUID needs another client_id": {
			name: aUUID, spec: withSecret(""),
			wantField: "metadata", wantMessage: "metadata.name may not be a UUID",
		},
		"a name that is a UUID without dashes too": {
			name: strings.ReplaceAll(aUUID, "-", ""), spec: withSecret(""),
			wantField: "metadata", wantMessage: "metadata.name may not be a UUID",
		},
		"a name that is a UUID may have another client_id": {
			name: aUUID, spec: withSecret("clientID: billing"),
		},
		"a name of 64 characters is too long": {
			name: strings.Repeat("n", 64), spec: withSecret(""),
			wantField: "metadata", wantMessage: "metadata.name may be no longer than 63 characters",
		},
	})
}

func TestAuthClientChange(t *testing.T) {
	t.Parallel()
	testChanges(t, "AuthClient", map[string]change{
		"a client_id may not change": {
			before: withSecret("clientID: a"), after: withSecret("clientID: b"),
			wantField: "spec.clientID", wantMessage: "clientID is immutable once set",
		},
		"a client_id may not vanish": {
			before: withSecret("clientID: a"), after: withSecret(""),
			wantField: "spec.clientID", wantMessage: "may not be removed",
		},
		"the rest may change": {
			before: withSecret("clientID: a\nscopes: [one]"),
			after:  withSecret("clientID: a\nscopes: [two]\ngrantTypes: [Password]"),
		},
		"a generated secret may not move to another Secret": {
			before: `secret: {generate: {secretName: a}}`, after: `secret: {generate: {secretName: b}}`,
			wantField: "spec.secret.generate.secretName", wantMessage: "secretName is immutable",
		},
		"a generated secret may give way to a given one": {
			before: `secret: {generate: {secretName: a}}`, after: `secret: {secretRef: {name: b, key: c}}`,
		},
	})
}
