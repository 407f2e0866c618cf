package v1alpha1_test

import (
	"strings"
	"testing"
)

var digest = strings.Repeat("0v", 26)

func TestAuthSessionCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthSession", map[string]creation{
		"an expiry and what is sealed are all that a session needs": {
			name: digest, spec: `{expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
		},
		"every field may be set at once": {
			name: digest, spec: `
id: ` + otherUUID + `
subject: ` + aUUID + `
username: alice
clientID: phone
grantID: ` + otherUUID + `
grantNamespace: team-b
mobile: true
expiresAt: "2026-01-01T00:00:00Z"
sealed: AQID`,
		},
		"a session has an expiry": {
			name: digest, spec: `sealed: AQID`,
			wantField: "spec.expiresAt", wantMessage: "Required value",
		},
		"a session has a content": {
			name: digest, spec: `expiresAt: "2026-01-01T00:00:00Z"`,
			wantField: "spec.sealed", wantMessage: "Required value",
		},
		"a session's content is base64": {
			name: digest, spec: `{expiresAt: "2026-01-01T00:00:00Z", sealed: "*"}`,
			wantField: "spec.sealed", wantMessage: "must be of type byte",
		},
		"a session's name is a digest": {
			spec:      `{expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "metadata", wantMessage: "metadata.name must be the digest of a token",
		},
		"a session's subject is a UUID": {
			name: digest, spec: `{subject: alice, expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "spec.subject", wantMessage: "subject must be a UUID",
		},
		"a session's id is a UUID": {
			name: digest, spec: `{id: "1", expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "spec.id", wantMessage: "id must be a UUID",
		},
		"a session's grant is a UUID": {
			name: digest, spec: `{grantID: billing, expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "spec.grantID", wantMessage: "grantID must be a UUID",
		},
		"a grant's namespace must be one": {
			name: digest, spec: `{grantNamespace: team.b, expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "spec.grantNamespace", wantMessage: "must be the name of a namespace",
		},
	})
}

func TestAuthSessionChange(t *testing.T) {
	t.Parallel()
	testChanges(t, "AuthSession", map[string]change{
		"a session may not live longer": {
			name:      digest,
			before:    `{expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			after:     `{expiresAt: "2027-01-01T00:00:00Z", sealed: AQID}`,
			wantField: "spec", wantMessage: "spec is immutable",
		},
		"a session may not stand for another token": {
			name:      digest,
			before:    `{expiresAt: "2026-01-01T00:00:00Z", sealed: AQID}`,
			after:     `{expiresAt: "2026-01-01T00:00:00Z", sealed: AQIE}`,
			wantField: "spec", wantMessage: "spec is immutable",
		},
	})
}

func TestTokenRevocationCreation(t *testing.T) {
	t.Parallel()
	testCreations(t, "TokenRevocation", map[string]creation{
		"an expiry is all that a revocation needs": {name: aUUID, spec: `expiresAt: "2026-01-01T00:00:00Z"`},
		"a revocation may give a reason":           {name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", reason: logout}`},
		"a revocation may say whose token it was": {name: aUUID, spec: `
expiresAt: "2026-01-01T00:00:00Z"
subject: ` + otherUUID + `
grantNamespace: team-b`},
		"a revocation may be of a client's own token": {name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", clientID: billing}`},
		"a revocation may end all that a user had by then": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", issuedUntil: "2025-12-31T00:00:00Z", subject: ` + otherUUID + `}`,
		},
		"it does not end what everybody had": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", issuedUntil: "2025-12-31T00:00:00Z"}`,
			wantField: "spec", wantMessage: "issuedUntil needs the subject or the clientID",
		},
		"a token is not of a user and a client's own": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", clientID: billing, subject: ` + otherUUID + `}`,
			wantField: "spec", wantMessage: "subject and clientID exclude each other",
		},
		"a revocation's subject is a UUID": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", subject: alice}`,
			wantField: "spec.subject", wantMessage: "subject must be a UUID",
		},
		"a revocation's client has a name": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", clientID: ""}`,
			wantField: "spec.clientID", wantMessage: "should be at least 1 chars long",
		},
		"the namespace of a revoked token's grant must be one": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", grantNamespace: team.b}`,
			wantField: "spec.grantNamespace", wantMessage: "must be the name of a namespace",
		},
		"a revocation has an expiry": {
			name: aUUID, spec: `reason: logout`,
			wantField: "spec.expiresAt", wantMessage: "Required value",
		},
		"a revocation's name is the token's id": {
			name: "billing", spec: `expiresAt: "2026-01-01T00:00:00Z"`,
			wantField: "metadata", wantMessage: "metadata.name must be the jti of a token",
		},
		"a reason is a few words": {
			name: aUUID, spec: `{expiresAt: "2026-01-01T00:00:00Z", reason: ` + strings.Repeat("r", 257) + `}`,
			wantField: "spec.reason", wantMessage: "Too long",
		},
	})
}

func TestTokenRevocationChange(t *testing.T) {
	t.Parallel()
	testChanges(t, "TokenRevocation", map[string]change{
		"a revocation may not become another user's": {
			name:      aUUID,
			before:    `{expiresAt: "2027-01-01T00:00:00Z", subject: ` + aUUID + `}`,
			after:     `{expiresAt: "2027-01-01T00:00:00Z", subject: ` + otherUUID + `}`,
			wantField: "spec", wantMessage: "spec is immutable",
		},
		"a revocation may not stop counting": {
			name:      aUUID,
			before:    `{expiresAt: "2027-01-01T00:00:00Z", clientID: billing}`,
			after:     `expiresAt: "2027-01-01T00:00:00Z"`,
			wantField: "spec", wantMessage: "spec is immutable",
		},
		"a revocation may not end earlier": {
			name:      aUUID,
			before:    `expiresAt: "2027-01-01T00:00:00Z"`,
			after:     `expiresAt: "2026-01-01T00:00:00Z"`,
			wantField: "spec", wantMessage: "spec is immutable",
		},
	})
}
