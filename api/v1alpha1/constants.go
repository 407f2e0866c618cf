package v1alpha1

// LabelCredential marks every Secret that Grantkeeper reads or writes. Secrets without it are
// neither cached nor watched, so nothing else of a cluster's Secrets ever enters memory.
const LabelCredential = GroupName + "/credential"

// The values of LabelCredential.
const (
	// CredentialInput is on a Secret that a person provides: a password or a client secret.
	CredentialInput = "input"
	// CredentialOutput is on a Secret that the operator writes: a generated credential or a token.
	CredentialOutput = "output"
	// CredentialKeyring is on a Secret that holds one tenant's keys, in the operator's namespace.
	CredentialKeyring = "keyring"
	// CredentialServing is on a Secret that holds the endpoint's CA or serving certificate.
	CredentialServing = "serving"
)

// LabelTenant names, on a keyring, the namespace whose keys it holds.
const LabelTenant = GroupName + "/tenant"

// LabelManagedBy with the value ManagedByGrantkeeper is on objects that the HTTP endpoint made:
// the endpoint may change them, and the sweeper may remove them.
const (
	LabelManagedBy       = "app.kubernetes.io/managed-by"
	ManagedByGrantkeeper = "grantkeeper"
)

// Annotations on Secrets that the operator writes. Times are RFC 3339, UTC, whole seconds.
const (
	// AnnotationGrantID names the grant whose token a Secret holds.
	AnnotationGrantID = GroupName + "/grant-id"
	// AnnotationRevision is the revision of that token, a decimal number.
	AnnotationRevision = GroupName + "/revision"
	// AnnotationIssuedAt is the token's iat.
	AnnotationIssuedAt = GroupName + "/issued-at"
	// AnnotationExpiresAt is the token's exp.
	AnnotationExpiresAt = GroupName + "/expires-at"
	// AnnotationKeyID is the id of the key that signed the token.
	AnnotationKeyID = GroupName + "/key-id"
	// AnnotationTemplateMetadata lists the labels and annotations that a grant's template has set on its
	// Secret, so that those that leave the template leave the Secret too.
	AnnotationTemplateMetadata = GroupName + "/template-metadata"
	// AnnotationGeneratedAt is the second from which a generated credential is derived.
	AnnotationGeneratedAt = GroupName + "/generated-at"
	// AnnotationPreviousGeneratedAt is that second of the credential before, while it is good too.
	AnnotationPreviousGeneratedAt = GroupName + "/previous-generated-at"
	// AnnotationGeneratedFor names whose credential a Secret holds: the kind and the subject or
	// client_id.
	AnnotationGeneratedFor = GroupName + "/generated-for"
	// AnnotationPasswordOf names, by its subject, the AuthUser whose password over HTTP a Secret holds.
	AnnotationPasswordOf = GroupName + "/password-of"
	// AnnotationUnfinished marks an AuthUser that is being made over HTTP. Whoever makes it takes the mark
	// off last: one that keeps it for longer than a request lasts was left behind by a crash.
	AnnotationUnfinished = GroupName + "/unfinished"
	// AnnotationTenantUID is the uid of the namespace that a keyring belongs to.
	AnnotationTenantUID = GroupName + "/tenant-uid"
	// AnnotationIssuer is the issuer that a tenant keeps from its first token on.
	AnnotationIssuer = GroupName + "/issuer"
	// AnnotationRotatedFor and AnnotationRevokedFor, on a keyring, are the values of AnnotationRotateKeys
	// and AnnotationRevokeKeys that were last acted on. They are written together with the new keys, so
	// that no request is ever acted on twice.
	AnnotationRotatedFor = GroupName + "/rotated-for"
	AnnotationRevokedFor = GroupName + "/revoked-for"
	// AnnotationRevokedAt, on a keyring, is when all keys were last given up: RFC 3339, UTC.
	AnnotationRevokedAt = GroupName + "/revoked-at"
	// AnnotationAdoptedFrom, on a keyring, is the uid of the namespace whose keyring it was before.
	AnnotationAdoptedFrom = GroupName + "/adopted-from"
	// AnnotationCertificateOf names what the certificate in a Secret is for.
	AnnotationCertificateOf = GroupName + "/certificate-of"
)

// AnnotationRestartedAt is, on the pod template of a workload, when grants last restarted it: RFC 3339,
// UTC, whole seconds. To change it is to restart the workload.
const AnnotationRestartedAt = GroupName + "/restarted-at"

// Annotations by which a person asks for something. Each value is acted on once.
const (
	// AnnotationRenewRequested asks for a new revision of a RefreshTokenGrant's token.
	AnnotationRenewRequested = GroupName + "/renew-requested"
	// AnnotationRotateKeys asks an AuthTenant for its next signing keys.
	AnnotationRotateKeys = GroupName + "/rotate-keys"
	// AnnotationRevokeKeys gives up all keys of an AuthTenant, because somebody has read them.
	AnnotationRevokeKeys = GroupName + "/revoke-keys"
	// AnnotationAdopt, on a keyring, names the uid of the namespace that it shall serve from now on.
	AnnotationAdopt = GroupName + "/adopt"
	// AnnotationAllowRolloutRestart, with the value "true" on a workload, lets grants restart it.
	AnnotationAllowRolloutRestart = GroupName + "/allow-rollout-restart"
)

// The data keys of a grant's Secret; spec.target.keys renames them.
const (
	KeyAccessToken  = "token"
	KeyExpiry       = "expires_at"
	KeyTokenType    = "token_type"
	KeyClientID     = "client_id"
	KeyIssuer       = "issuer"
	KeyTokenURL     = "token_url"
	KeyCABundle     = "ca.crt"
	KeyRefreshToken = "refresh_token"
)

// The data keys of a generated credential's Secret. A generated client secret also carries
// KeyClientID.
const (
	KeyUsername     = "username"
	KeyPassword     = "password"
	KeyClientSecret = "client_secret"
)

// RevocationOfCode is the reason of a TokenRevocation that revokes no token: it shows that an
// authorization code was redeemed, goes soon after the code, and counts for nobody.
const RevocationOfCode = "an authorization code was redeemed"
