package v1alpha1_test

import (
	"strings"
	"testing"
)

const (
	aUUID     = "6f1c2d3e-4a5b-4c6d-8e7f-90a1b2c3d4e5"
	otherUUID = "00000000-0000-4000-8000-000000000000"
)

func TestAuthUserCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthUser", map[string]creation{
		"everything may be absent": {spec: `{}`},
		"every field may be set at once": {spec: `
username: Älice Doe
subject: ` + aUUID + `
emails: [{address: alice@example.com, main: true, verified: true}, {address: a.doe+x@example.org}]
firstName: Alice
lastName: Doe
purpose: ExternalAPI
state: Disabled
password: {generate: {secretName: alice.credentials, length: 128}}
scopes: ["orders:read", "confd.#", "!confd.users.*.delete", "auth.users.me.#", "foo*"]
maxSessions: 0
maxGrants: 10000
expiresAt: "2027-01-01T00:00:00Z"`},
		"a name of 63 characters is short enough": {name: strings.Repeat("n", 63), spec: `{}`},
		"a name of 64 characters is too long": {
			name: strings.Repeat("n", 64), spec: `{}`,
			wantField: "metadata", wantMessage: "metadata.name may be no longer than 63 characters",
		},
		"a colon would end the login in HTTP Basic": {
			spec:      `username: "a:b"`,
			wantField: "spec.username", wantMessage: "username may not contain ':'",
		},
		"a control character cannot be a username's": {
			spec:      `username: "a\u0007b"`,
			wantField: "spec.username", wantMessage: "username may not contain ':' or control characters",
		},
		"a control character beyond ASCII neither": {
			spec:      `username: "a\u0085b"`,
			wantField: "spec.username", wantMessage: "username may not contain ':' or control characters",
		},
		"an empty username is not an absent one": {
			spec:      `username: ""`,
			wantField: "spec.username", wantMessage: "at least 1 chars",
		},
		"a username of 257 characters is too long": {
			spec:      "username: " + strings.Repeat("u", 257),
			wantField: "spec.username", wantMessage: "Too long",
		},
		"a subject is a UUID": {
			spec:      `subject: alice`,
			wantField: "spec.subject", wantMessage: "subject must be a UUID in lower case",
		},
		"a subject in upper case would have two spellings": {
			spec:      `subject: ` + strings.ToUpper(aUUID),
			wantField: "spec.subject", wantMessage: "subject must be a UUID in lower case",
		},
		"a control character cannot be a first name's": {
			spec:      `firstName: "a\tb"`,
			wantField: "spec.firstName", wantMessage: "firstName may not contain control characters",
		},
		"a control character cannot be a last name's": {
			spec:      `lastName: "a\nb"`,
			wantField: "spec.lastName", wantMessage: "lastName may not contain control characters",
		},
		"a purpose is one of three": {
			spec:      `purpose: Robot`,
			wantField: "spec.purpose", wantMessage: `supported values: "User", "Internal", "ExternalAPI"`,
		},
		"a state is one of two": {
			spec:      `state: enabled`,
			wantField: "spec.state", wantMessage: `supported values: "Enabled", "Disabled"`,
		},
		"sessions are not counted below zero": {
			spec:      `maxSessions: -1`,
			wantField: "spec.maxSessions", wantMessage: "greater than or equal to 0",
		},
		"grants have a ceiling": {
			spec:      `maxGrants: 10001`,
			wantField: "spec.maxGrants", wantMessage: "less than or equal to 10000",
		},
		"an expiry is a time": {
			spec:      `expiresAt: tomorrow`,
			wantField: "spec.expiresAt", wantMessage: "date-time",
		},
	})
}

func TestAuthUserEmails(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthUser", map[string]creation{
		"an address needs an at sign": {
			spec:      `emails: [{address: alice}]`,
			wantField: "spec.emails[0].address", wantMessage: "must be an e-mail address",
		},
		"an address with a colon could not log in": {
			spec:      `emails: [{address: "a:b@example.com"}]`,
			wantField: "spec.emails[0].address", wantMessage: "must be an e-mail address without ':'",
		},
		"an address has no spaces": {
			spec:      `emails: [{address: "a b@example.com"}]`,
			wantField: "spec.emails[0].address", wantMessage: "spaces",
		},
		"an address is required": {
			spec:      `emails: [{main: true}]`,
			wantField: "spec.emails[0].address", wantMessage: "Required value",
		},
		"an address comes once": {
			spec:      `emails: [{address: a@example.com}, {address: a@example.com}]`,
			wantField: "spec.emails[1]", wantMessage: "Duplicate value",
		},
		"an address in another case is the same login": {
			spec:      `emails: [{address: a@example.com}, {address: A@example.com}]`,
			wantField: "spec.emails", wantMessage: "emails may not differ by case only",
		},
		"two addresses cannot both be the main one": {
			spec:      `emails: [{address: a@example.com, main: true}, {address: b@example.com, main: true}]`,
			wantField: "spec.emails", wantMessage: "emails may have at most one main address",
		},
		"seventeen addresses are too many": {
			spec:      "emails: [" + repeat(17, "{address: %d@example.com}") + "]",
			wantField: "spec.emails", wantMessage: "at most 16 items",
		},
	})
}

func TestAuthUserPassword(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthUser", map[string]creation{
		"a password may come from a Secret": {spec: `password: {secretRef: {name: alice.password, key: the_password}}`},
		"a password may be generated":       {spec: `password: {generate: {secretName: alice}}`},
		"a password comes from somewhere": {
			spec:      `password: {}`,
			wantField: "spec.password", wantMessage: "password needs exactly one of secretRef, hashSecretRef and generate",
		},
		"a password comes from one place": {
			spec:      `password: {secretRef: {name: a, key: b}, generate: {secretName: c}}`,
			wantField: "spec.password", wantMessage: "password needs exactly one of secretRef, hashSecretRef and generate",
		},
		"a reference needs a key": {
			spec:      `password: {secretRef: {name: a}}`,
			wantField: "spec.password.secretRef.key", wantMessage: "Required value",
		},
		"a reference needs a possible name": {
			spec:      `password: {secretRef: {name: A_B, key: k}}`,
			wantField: "spec.password.secretRef.name", wantMessage: "must be the name of a Secret",
		},
		"a reference needs a name without empty parts": {
			spec:      `password: {secretRef: {name: a..b, key: k}}`,
			wantField: "spec.password.secretRef.name", wantMessage: "must be the name of a Secret",
		},
		"a reference needs a name whose parts begin with a letter or digit": {
			spec:      `password: {secretRef: {name: a.-b, key: k}}`,
			wantField: "spec.password.secretRef.name", wantMessage: "must be the name of a Secret",
		},
		"a reference needs a name whose parts end with a letter or digit": {
			spec:      `password: {secretRef: {name: a-.b, key: k}}`,
			wantField: "spec.password.secretRef.name", wantMessage: "must be the name of a Secret",
		},
		"a reference may have a name of 253 characters": {
			spec: "password: {secretRef: {name: " + strings.Repeat("a.", 126) + "b, key: k}}",
		},
		"a reference may have a key with a dot in front": {spec: `password: {secretRef: {name: a, key: .k..}}`},
		"a reference may have a key of 253 characters": {
			spec: "password: {secretRef: {name: a, key: " + strings.Repeat("k", 253) + "}}",
		},
		"a dot is no key": {
			spec:      `password: {secretRef: {name: a, key: .}}`,
			wantField: "spec.password.secretRef.key", wantMessage: "must be a key of a Secret",
		},
		"two dots are no key": {
			spec:      `password: {secretRef: {name: a, key: ..}}`,
			wantField: "spec.password.secretRef.key", wantMessage: "must be a key of a Secret",
		},
		"a key does not leave its directory": {
			spec:      `password: {secretRef: {name: a, key: ..x}}`,
			wantField: "spec.password.secretRef.key", wantMessage: "nor '..' in front",
		},
		"a reference needs a possible key": {
			spec:      `password: {secretRef: {name: a, key: "k k"}}`,
			wantField: "spec.password.secretRef.key", wantMessage: "must be a key of a Secret",
		},
		"a generated password needs a place": {
			spec:      `password: {generate: {length: 32}}`,
			wantField: "spec.password.generate.secretName", wantMessage: "Required value",
		},
		"a generated password needs a possible place": {
			spec:      `password: {generate: {secretName: "-a"}}`,
			wantField: "spec.password.generate.secretName", wantMessage: "must be the name of a Secret",
		},
		"a generated password needs a place without empty parts": {
			spec:      `password: {generate: {secretName: a..b}}`,
			wantField: "spec.password.generate.secretName", wantMessage: "must be the name of a Secret",
		},
		"fifteen characters are too few": {
			spec:      `password: {generate: {secretName: a, length: 15}}`,
			wantField: "spec.password.generate.length", wantMessage: "greater than or equal to 16",
		},
	})
}

func TestAuthUserScopes(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthUser", map[string]creation{
		"512 patterns of 256 characters are within the bounds": {
			spec: "scopes: [" + repeat(512, "'%0256d'") + "]",
		},
		"512 patterns of 256 characters with 8 wildcards each are too": {
			spec: "scopes: [" + repeat(512, "'*#*#*#*#%0248d'") + "]",
		},
		"8 wildcards may stand anywhere": {spec: `scopes: ["!*.*.*.*.#.a*b.c#d*"]`},
		"9 wildcards cost too much": {
			spec:      `scopes: [a, "*.*.*.*.#.a*b.c#d*.#"]`,
			wantField: "spec.scopes[1]", wantMessage: "scopes may hold at most 8 wildcards",
		},
		"9 wildcards in a denial cost as much": {
			spec:      `scopes: ["!a.*********"]`,
			wantField: "spec.scopes[0]", wantMessage: "scopes may hold at most 8 wildcards",
		},
		"513 patterns are too many": {
			spec:      "scopes: [" + repeat(513, "'s%d'") + "]",
			wantField: "spec.scopes", wantMessage: "at most 512 items",
		},
		"a pattern comes once": {
			spec:      `scopes: ["orders:read", "orders:read"]`,
			wantField: "spec.scopes[1]", wantMessage: "Duplicate value",
		},
		"a pattern is not empty": {
			spec:      `scopes: [""]`,
			wantField: "spec.scopes[0]", wantMessage: "at least 1 chars",
		},
		"a denial denies something": {
			spec:      `scopes: ["!"]`,
			wantField: "spec.scopes[0]", wantMessage: "scopes must be patterns",
		},
		"a denial is written in front": {
			spec:      `scopes: ["orders!read"]`,
			wantField: "spec.scopes[0]", wantMessage: "'!' only in front",
		},
		"a space would be two scopes": {
			spec:      `scopes: ["orders read"]`,
			wantField: "spec.scopes[0]", wantMessage: "scopes must be patterns without spaces",
		},
		"a space beyond ASCII is one too": {
			spec:      `scopes: ["orders\u00a0read"]`,
			wantField: "spec.scopes[0]", wantMessage: "scopes must be patterns without spaces",
		},
		"a control character cannot stand in a scope": {
			spec:      `scopes: ["orders\u0000"]`,
			wantField: "spec.scopes[0]", wantMessage: "scopes must be patterns without spaces and control characters",
		},
		"letters beyond ASCII may stand in a wazo acl": {
			spec: `scopes: ["dird.directories.lookup.büro.read"]`,
		},
	})
}

func TestAuthUserChange(t *testing.T) {
	t.Parallel()
	testChanges(t, "AuthUser", map[string]change{
		"an absent subject may be written": {
			before: `{}`, after: `subject: ` + aUUID,
		},
		"a written subject may not change": {
			before: `subject: ` + aUUID, after: `subject: ` + otherUUID,
			wantField: "spec.subject", wantMessage: "subject is immutable once set",
		},
		"a written subject may not vanish": {
			before: `subject: ` + aUUID, after: `{}`,
			wantField: "spec.subject", wantMessage: "may not be removed",
		},
		"everything else may change with the subject in place": {
			before: `{subject: ` + aUUID + `, username: a, state: Enabled, scopes: [a]}`,
			after:  `{subject: ` + aUUID + `, username: b, state: Disabled, purpose: Internal}`,
		},
		"a generated password may not move to another Secret": {
			before: `password: {generate: {secretName: a}}`, after: `password: {generate: {secretName: b}}`,
			wantField: "spec.password.generate.secretName", wantMessage: "secretName is immutable",
		},
		"a generated password may give way to a given one": {
			before: `password: {generate: {secretName: a}}`, after: `password: {secretRef: {name: b, key: c}}`,
		},
	})
}
