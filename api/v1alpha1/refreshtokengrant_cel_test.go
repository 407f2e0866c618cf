package v1alpha1_test

import (
	"strings"
	"testing"
)

// grant is the least that an OAuth 2.0 grant needs, with more fields behind it.
func grant(fields string) string {
	return "userRef: {name: alice}\nclientRef: {name: billing}\n" + fields
}

// wazoGrant is the least that a wazo grant needs, with more fields behind it.
func wazoGrant(fields string) string {
	return "userRef: {name: alice}\nclientID: phone\n" + fields
}

func TestRefreshTokenGrantCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"a user and a client are all that a grant needs":        {spec: grant("")},
		"a user and a free client_id are a grant of wazo":       {spec: wazoGrant("")},
		"a free client_id is any text of up to 1024 characters": {spec: "userRef: {name: a}\nclientID: '" + strings.Repeat("ü", 1024) + "'"},
		"every field of an applied grant may be set at once": {spec: grant(`
id: ` + aUUID + `
state: Suspended
scopes: ["orders:read", openid]
audiences: ["https://orders.example.com"]
accessToken: {ttl: 1h, renewBefore: 20m, format: JWT}
refreshToken: {delivery: Secret}
epoch: 1
target:
  name: billing.token
  creationPolicy: Orphan
  keys: {accessToken: access_token, expiry: expiry, tokenType: type, clientID: id, issuer: iss, tokenURL: url, caBundle: ca.pem, refreshToken: refresh}
expiresAt: "2027-01-01T00:00:00Z"`)},
		"every field that the endpoint writes may be restored": {spec: `
id: ` + aUUID + `
userRef: {name: alice, subject: ` + otherUUID + `}
clientID: phone
epoch: 7
refreshToken: {generation: 3, keyVersion: 2}
login: {authTime: "2026-01-01T00:00:00Z", issuedAt: "2026-01-01T00:00:01Z", cv: AAECAwQFBgc, mobile: true, userAgent: curl/8}`},
		"a grant has a user": {
			spec:      `clientRef: {name: billing}`,
			wantField: "spec.userRef", wantMessage: "Required value",
		},
		"a grant has a client": {
			spec:      `userRef: {name: alice}`,
			wantField: "spec", wantMessage: "exactly one of clientRef and clientID",
		},
		"a grant has one client": {
			spec:      grant(`clientID: phone`),
			wantField: "spec", wantMessage: "exactly one of clientRef and clientID",
		},
		"a user has a possible name": {
			spec:      "userRef: {name: Alice}\nclientID: phone",
			wantField: "spec.userRef.name", wantMessage: "must be the name of an AuthUser",
		},
		"a client has a possible name": {
			spec:      "userRef: {name: alice}\nclientRef: {name: b_c}",
			wantField: "spec.clientRef.name", wantMessage: "must be the name of an AuthClient",
		},
		"a user has a name without empty parts": {
			spec:      "userRef: {name: a..b}\nclientID: phone",
			wantField: "spec.userRef.name", wantMessage: "must be the name of an AuthUser",
		},
		"a client has a name whose parts begin with a letter or digit": {
			spec:      "userRef: {name: alice}\nclientRef: {name: a.-b}",
			wantField: "spec.clientRef.name", wantMessage: "must be the name of an AuthClient",
		},
		"a subject that is pinned is a UUID": {
			spec:      "userRef: {name: alice, subject: alice}\nclientID: phone",
			wantField: "spec.userRef.subject", wantMessage: "subject must be a UUID",
		},
		"an id is a UUID": {
			spec:      grant(`id: billing`),
			wantField: "spec.id", wantMessage: "id must be a UUID in lower case",
		},
		"a state is one of three": {
			spec:      grant(`state: Deleted`),
			wantField: "spec.state", wantMessage: `supported values: "Active", "Suspended", "Revoked"`,
		},
		"an epoch counts from one": {
			spec:      grant(`epoch: 0`),
			wantField: "spec.epoch", wantMessage: "greater than or equal to 1",
		},
		"a generation counts from one": {
			spec:      grant(`refreshToken: {generation: 0}`),
			wantField: "spec.refreshToken.generation", wantMessage: "greater than or equal to 1",
		},
		"a free client_id of 1025 characters is too long": {
			spec:      "userRef: {name: a}\nclientID: '" + strings.Repeat("c", 1025) + "'",
			wantField: "spec.clientID", wantMessage: "Too long",
		},
		"a name of 64 characters is too long": {
			name: strings.Repeat("n", 64), spec: grant(""),
			wantField: "metadata", wantMessage: "metadata.name may be no longer than 63 characters",
		},
		"a credential version is eight bytes": {
			spec:      wazoGrant(`login: {authTime: "2026-01-01T00:00:00Z", issuedAt: "2026-01-01T00:00:00Z", cv: AAEC}`),
			wantField: "spec.login.cv", wantMessage: "cv must be eight bytes in base64url",
		},
		"a login has a time": {
			spec:      wazoGrant(`login: {issuedAt: "2026-01-01T00:00:00Z"}`),
			wantField: "spec.login.authTime", wantMessage: "Required value",
		},
	})
}

func TestRefreshTokenGrantScopes(t *testing.T) {
	t.Parallel()
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"a scope is concrete": {
			spec:      grant(`scopes: ["orders:*"]`),
			wantField: "spec.scopes[0]", wantMessage: "scopes must be concrete",
		},
		"a scope has no hash": {
			spec:      grant(`scopes: ["confd.#"]`),
			wantField: "spec.scopes[0]", wantMessage: "scopes must be concrete",
		},
		"a scope denies nothing": {
			spec:      grant(`scopes: ["!orders"]`),
			wantField: "spec.scopes[0]", wantMessage: "scopes must be concrete",
		},
		"a scope comes once": {
			spec:      grant(`scopes: [a, a]`),
			wantField: "spec.scopes[1]", wantMessage: "Duplicate value",
		},
		"no scopes are not the same as absent ones": {
			spec:      grant(`scopes: []`),
			wantField: "spec.scopes", wantMessage: "at least 1 items",
		},
		"65 scopes are too many": {
			spec:      grant("scopes: [" + repeat(65, "s%d") + "]"),
			wantField: "spec.scopes", wantMessage: "at most 64 items",
		},
		"an audience is visible ASCII": {
			spec:      grant(`audiences: ["https://a b"]`),
			wantField: "spec.audiences[0]", wantMessage: "audiences must be visible ASCII",
		},
		"a wazo grant may narrow what its user has": {spec: wazoGrant(`scopes: ["confd.users.read"]`)},
		"a wazo token is for its issuer": {
			spec:      wazoGrant(`audiences: ["https://orders.example.com"]`),
			wantField: "spec.audiences", wantMessage: "audiences may not be set with clientID",
		},
	})
}

func TestRefreshTokenGrantLifetimes(t *testing.T) {
	t.Parallel()
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"a renewal may be given as a share":         {spec: grant(`accessToken: {ttl: 1h, renewBeforePercentage: 33}`)},
		"a renewal may be given without a lifetime": {spec: grant(`accessToken: {renewBefore: 20m}`)},
		"a renewal is given once": {
			spec:      grant(`accessToken: {renewBefore: 20m, renewBeforePercentage: 33}`),
			wantField: "spec.accessToken", wantMessage: "renewBefore or renewBeforePercentage, not both",
		},
		"a renewal comes before the expiry": {
			spec:      grant(`accessToken: {ttl: 1h, renewBefore: 60m}`),
			wantField: "spec.accessToken.renewBefore", wantMessage: "renewBefore must be shorter than ttl",
		},
		"a share of 100 would never stop": {
			spec:      grant(`accessToken: {renewBeforePercentage: 100}`),
			wantField: "spec.accessToken.renewBeforePercentage", wantMessage: "less than or equal to 99",
		},
		"a share of nothing would come too late": {
			spec:      grant(`accessToken: {renewBeforePercentage: 0}`),
			wantField: "spec.accessToken.renewBeforePercentage", wantMessage: "greater than or equal to 1",
		},
		"a lifetime is a duration": {
			spec:      grant(`accessToken: {ttl: "3600", renewBefore: 20m}`),
			wantField: "spec.accessToken.ttl", wantMessage: "must be a duration in whole seconds",
		},
		"a renewal is a duration": {
			spec:      grant(`accessToken: {ttl: 1h, renewBefore: soon}`),
			wantField: "spec.accessToken.renewBefore", wantMessage: "must be a duration in whole seconds",
		},
	})
}

func TestRefreshTokenGrantTarget(t *testing.T) {
	t.Parallel()
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"an empty target is a target": {spec: grant(`target: {}`)},
		"two keys may swap their default names": {
			spec: grant(`target: {keys: {accessToken: expires_at, expiry: token}}`),
		},
		"a delivered refresh token needs a place": {
			spec:      grant(`refreshToken: {delivery: Secret}`),
			wantField: "spec.refreshToken", wantMessage: "refreshToken.delivery Secret needs a target",
		},
		"a delivery is one of two": {
			spec:      grant(`refreshToken: {delivery: Mail}`),
			wantField: "spec.refreshToken.delivery", wantMessage: `supported values: "None", "Secret"`,
		},
		"a target has a possible name": {
			spec:      grant(`target: {name: Billing}`),
			wantField: "spec.target.name", wantMessage: "must be the name of a Secret",
		},
		"a target has a name without empty parts": {
			spec:      grant(`target: {name: a..b}`),
			wantField: "spec.target.name", wantMessage: "must be the name of a Secret",
		},
		"a target is owned or orphaned": {
			spec:      grant(`target: {creationPolicy: Merge}`),
			wantField: "spec.target.creationPolicy", wantMessage: `supported values: "Owner", "Orphan"`,
		},
		"a key is a possible one": {
			spec:      grant(`target: {keys: {accessToken: "a/b"}}`),
			wantField: "spec.target.keys.accessToken", wantMessage: "must be a key of a Secret",
		},
		"every key may have a dot in front": {
			spec: grant(`target: {keys: {accessToken: .a, expiry: .b, tokenType: .c, clientID: .d, issuer: .e, tokenURL: .f, caBundle: .g, refreshToken: .h}}`),
		},
		"two keys cannot have one name": {
			spec:      grant(`target: {keys: {accessToken: x, issuer: x}}`),
			wantField: "spec.target.keys", wantMessage: "keys must be distinct",
		},
		"a key cannot take another's default name": {
			spec:      grant(`target: {keys: {accessToken: expires_at}}`),
			wantField: "spec.target.keys", wantMessage: "keys must be distinct, also from the default names",
		},
	})
}

// What the API server refuses as a key of a Secret would otherwise fail at the first write.
func TestRefreshTokenGrantTargetKeysAreThoseOfASecret(t *testing.T) {
	t.Parallel()
	tests := map[string]creation{}
	for _, field := range []string{"accessToken", "expiry", "tokenType", "clientID", "issuer", "tokenURL", "caBundle", "refreshToken"} {
		for _, key := range []string{".", "..", "..x"} {
			tests[field+" is not "+key] = creation{
				spec:      grant("target: {keys: {" + field + ": '" + key + "'}}"),
				wantField: "spec.target.keys." + field, wantMessage: "must be a key of a Secret",
			}
		}
	}
	testCreations(t, "RefreshTokenGrant", tests)
}
