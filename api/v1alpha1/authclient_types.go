package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClientType is the OAuth 2.0 client type (RFC 6749 section 2.1).
//
// +kubebuilder:validation:Enum=Confidential;Public
type ClientType string

// The client types.
const (
	// ClientTypeConfidential is a client that can keep a secret. The default.
	ClientTypeConfidential ClientType = "Confidential"
	// ClientTypePublic is a client that runs where its user can read it, such as a browser or a
	// phone. It has no secret and proves the start of a login with PKCE (RFC 7636).
	ClientTypePublic ClientType = "Public"
)

// ClientAuthentication is how a client proves itself at the token endpoint.
//
// +kubebuilder:validation:Enum=SecretBasic;SecretPost
type ClientAuthentication string

// The ways of client authentication.
const (
	// ClientAuthenticationSecretBasic is HTTP Basic with client_id and secret, each form-encoded
	// (RFC 6749 section 2.3.1). The default.
	ClientAuthenticationSecretBasic ClientAuthentication = "SecretBasic"
	// ClientAuthenticationSecretPost is client_id and client_secret as form parameters.
	ClientAuthenticationSecretPost ClientAuthentication = "SecretPost"
)

// GrantType is an OAuth 2.0 grant type that a client may use.
//
// +kubebuilder:validation:Enum=Password;RefreshToken;ClientCredentials;AuthorizationCode
type GrantType string

// The grant types.
const (
	// GrantTypePassword is the resource owner password grant (RFC 6749 section 4.3), which
	// RFC 9700 advises against: only by explicit choice, and shown as a condition.
	GrantTypePassword GrantType = "Password"
	// GrantTypeRefreshToken lets the client hold and use refresh tokens (section 6).
	GrantTypeRefreshToken GrantType = "RefreshToken"
	// GrantTypeClientCredentials lets the client act for itself (section 4.4).
	GrantTypeClientCredentials GrantType = "ClientCredentials"
	// GrantTypeAuthorizationCode lets users log in on the endpoint's own page and the client redeem a
	// code for their tokens (section 4.1). It needs redirectURIs.
	GrantTypeAuthorizationCode GrantType = "AuthorizationCode"
)

// TokenFormat is the form of an access token.
//
// +kubebuilder:validation:Enum=JWT;Reference
type TokenFormat string

// The token formats.
const (
	// TokenFormatJWT is a signed, self-contained token: it costs no write and is checked offline.
	TokenFormatJWT TokenFormat = "JWT"
	// TokenFormatReference is an opaque UUID: it costs one AuthSession and dies at once.
	TokenFormatReference TokenFormat = "Reference"
)

// SigningAlgorithm is the JWS algorithm of a self-contained token (RFC 7518).
//
// +kubebuilder:validation:Enum=ES256;RS256;EdDSA
type SigningAlgorithm string

// The signing algorithms.
const (
	// SigningAlgorithmES256 is ECDSA on P-256, signed deterministically (RFC 6979). The default.
	SigningAlgorithmES256 SigningAlgorithm = "ES256"
	// SigningAlgorithmRS256 is RSA PKCS #1 v1.5, for validators that know nothing else.
	SigningAlgorithmRS256 SigningAlgorithm = "RS256"
	// SigningAlgorithmEdDSA is Ed25519 (RFC 8037): the cheapest, for validators that know it. A tenant
	// gets keys for it when the first client asks.
	SigningAlgorithmEdDSA SigningAlgorithm = "EdDSA"
)

// GeneratedSecret asks the operator for a client secret of 43 characters, derived from the
// tenant's keyring, so a lost Secret comes back with the same value.
//
// +kubebuilder:validation:XValidation:rule="!has(self.overlap) || has(self.rotateEvery)",fieldPath=".overlap",message="overlap needs rotateEvery"
// +kubebuilder:validation:XValidation:rule="!has(self.overlap) || !has(self.rotateEvery) || !self.overlap.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || !self.rotateEvery.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self.overlap) <= duration(self.rotateEvery)",fieldPath=".overlap",message="overlap may not be longer than rotateEvery"
type GeneratedSecret struct {
	// secretName names the Secret that the operator writes, with the keys client_id and
	// client_secret. A Secret of that name that is not the operator's is left untouched.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="secretName is immutable"
	SecretName string `json:"secretName"`

	// rotateEvery is how long a secret is in use before the next one takes its place. Absent: it
	// stays.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1h')",message="rotateEvery must be at least 1h"
	RotateEvery *Duration `json:"rotateEvery,omitempty"`

	// overlap is how long the secret before is good beside the new one. Absent: 24h, or rotateEvery
	// where that is shorter.
	//
	// +optional
	Overlap *Duration `json:"overlap,omitempty"`
}

// ClientSecret says where a client's secret comes from: exactly one of its fields is set.
//
// +kubebuilder:validation:XValidation:rule="has(self.secretRef) != has(self.generate)",message="secret needs exactly one of secretRef and generate"
type ClientSecret struct {
	// secretRef takes the secret from a Secret that a person provides. The value must have the
	// strength of a generated one: it is not stretched like a password.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// generate lets the operator make the secret and write it to a Secret.
	//
	// +optional
	Generate *GeneratedSecret `json:"generate,omitempty"`
}

// ClientAccessToken is the form of a client's access tokens.
type ClientAccessToken struct {
	// ttl is how long an access token lives. Absent: what the AuthTenant says, or 1h.
	//
	// +optional
	TTL *Duration `json:"ttl,omitempty"`

	// format is the form of an access token. Absent: what the AuthTenant says, or JWT.
	//
	// +optional
	Format TokenFormat `json:"format,omitempty"`

	// signingAlgorithm signs self-contained tokens. Absent: what the AuthTenant says, or ES256.
	//
	// +optional
	SigningAlgorithm SigningAlgorithm `json:"signingAlgorithm,omitempty"`
}

// AuthClientSpec is what an application is and may do.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.clientID) || (has(self.clientID) && self.clientID == oldSelf.clientID)",fieldPath=".clientID",message="clientID is immutable once set and may not be removed: tokens and grants name the client by it"
// +kubebuilder:validation:XValidation:rule="has(self.secret) || self.?type.orValue('Confidential') == 'Public'",fieldPath=".secret",message="secret is required for a Confidential client: set secret.generate or secret.secretRef"
// +kubebuilder:validation:XValidation:rule="!has(self.secret) || self.?type.orValue('Confidential') != 'Public'",fieldPath=".secret",message="a Public client has no secret: it could not keep it"
// +kubebuilder:validation:XValidation:rule="!has(self.authentication) || self.?type.orValue('Confidential') != 'Public'",fieldPath=".authentication",message="a Public client does not authenticate"
// +kubebuilder:validation:XValidation:rule="(has(self.type) && self.type == 'Public') == (has(oldSelf.type) && oldSelf.type == 'Public')",fieldPath=".type",message="type is immutable: make another client"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Confidential') != 'Public' || !has(self.grantTypes) || !self.grantTypes.exists(grant, grant in ['Password', 'ClientCredentials'])",fieldPath=".grantTypes",message="a Public client may use RefreshToken and AuthorizationCode only: it cannot prove who it is"
// +kubebuilder:validation:XValidation:rule="!has(self.grantTypes) || !('AuthorizationCode' in self.grantTypes) || has(self.redirectURIs)",fieldPath=".redirectURIs",message="redirectURIs are required for AuthorizationCode"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Confidential') != 'Public' || self.?refreshToken.rotation.orValue('Always') == 'Always'",fieldPath=".refreshToken",message="refreshToken.rotation of a Public client is Always (RFC 9700)"
// +kubebuilder:validation:XValidation:rule="!has(self.refreshToken) || !has(self.refreshToken.gracePeriod) || self.?refreshToken.rotation.orValue(self.?type.orValue('Confidential') == 'Public' ? 'Always' : 'Never') == 'Always'",fieldPath=".refreshToken",message="refreshToken.gracePeriod needs rotation Always: nothing is replaced otherwise"
// +kubebuilder:validation:XValidation:rule="!has(self.refreshToken) || !has(self.refreshToken.idleTimeout) || self.?refreshToken.rotation.orValue(self.?type.orValue('Confidential') == 'Public' ? 'Always' : 'Never') == 'Always'",fieldPath=".refreshToken",message="refreshToken.idleTimeout needs rotation Always: nothing else tells when a refresh token was used"
// +kubebuilder:validation:XValidation:rule="self.?consent.orValue('Required') != 'Implied' || self.?type.orValue('Confidential') == 'Confidential' || !has(self.redirectURIs) || self.redirectURIs.all(uri, uri.startsWith('https://'))",fieldPath=".consent",message="consent Implied needs a Confidential client or https redirectURIs alone: another program could take the place of this one"
type AuthClientSpec struct {
	// clientID is the client_id of the protocols: WSO2's consumer key. Absent: metadata.name. It
	// may not parse as a UUID, or a client could be taken for a user's subject.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-9;-~]+$')",message="clientID must be visible ASCII without ':'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('(?i)^(urn:uuid:|.)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}.?$')",message="clientID may not be a UUID: it could be taken for a user's subject"
	ClientID string `json:"clientID,omitempty"`

	// type is the client type, for good. Absent: Confidential.
	//
	// +optional
	Type ClientType `json:"type,omitempty"`

	// authentication is how a Confidential client proves itself. Absent: SecretBasic.
	//
	// +optional
	Authentication ClientAuthentication `json:"authentication,omitempty"`

	// secret says where the client's secret comes from: WSO2's consumer secret. A Public client has
	// none.
	//
	// +optional
	Secret *ClientSecret `json:"secret,omitempty"`

	// grantTypes are the ways in which the client may obtain tokens. Absent: RefreshToken.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// redirectURIs are where a login with AuthorizationCode may lead back to: https, http on a loopback
	// address, or a private-use scheme with a dot (RFC 8252). A request has to name one of them exactly;
	// only the port of http://127.0.0.1 and http://[::1] is free.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^(https://[A-Za-z0-9.:\[\]-]+([/?]|$)|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?([/?]|$)|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:/)')`,message="redirectURIs must be https URLs, http URLs of a loopback address, or URLs of a private-use scheme such as com.example.app:/callback"
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[!$-;=?-\[\]_a-z~]+$')`,message="redirectURIs must be visible ASCII as a URL has it, without a fragment"
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// scopes are patterns of what the client may be granted, in the syntax of a user's scopes.
	// Absent: nothing.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^!?[#-\[\]-~]+$')`,message="scopes must be patterns of visible ASCII without quotes and backslashes, '!' only in front"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('([*#][^*#]*){9}')",message="scopes may hold at most 8 wildcards, '*' and '#', in one pattern"
	Scopes []string `json:"scopes,omitempty"`

	// defaultScopes are granted where a request names no scope, as far as the client's and the
	// user's scopes allow them. They are concrete: no '*', '#' or '!'.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[$-)+-\[\]-~]+$')`,message="defaultScopes must be concrete: visible ASCII without quotes, backslashes, '*', '#' and '!'"
	DefaultScopes []string `json:"defaultScopes,omitempty"`

	// audiences are the resource servers that the client's tokens are for (`aud`). Absent: those that
	// the AuthTenant says, or the tenant's issuer.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="audiences must be visible ASCII without quotes, backslashes and '#'"
	Audiences []string `json:"audiences,omitempty"`

	// accessToken is the form of the client's access tokens.
	//
	// +optional
	AccessToken *ClientAccessToken `json:"accessToken,omitempty"`

	// refreshToken is the policy of the client's refresh tokens.
	//
	// +optional
	RefreshToken *ClientRefreshToken `json:"refreshToken,omitempty"`

	// consent says whether a login with AuthorizationCode asks the user. Absent: Required.
	//
	// +optional
	Consent Consent `json:"consent,omitempty"`

	// allowedGrants says which grants may be for the client. Absent: those of the same namespace.
	//
	// +optional
	AllowedGrants *AllowedGrants `json:"allowedGrants,omitempty"`
}

// AuthClientStatus is what the operator observed. It is rebuilt from nothing when it is lost.
type AuthClientStatus struct {
	// conditions: Ready, and PasswordGrant where the grant types include Password.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the metadata.generation that this status is about.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// clientID is the effective client_id. Empty while the client is a duplicate.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	ClientID string `json:"clientID,omitempty"`

	// generatedAt is the second from which a generated secret is derived. Its other copy is on the
	// Secret; either one brings the same secret back.
	//
	// +optional
	GeneratedAt *metav1.Time `json:"generatedAt,omitempty"`

	// previousGeneratedAt is that second of the secret before, while it is good too.
	//
	// +optional
	PreviousGeneratedAt *metav1.Time `json:"previousGeneratedAt,omitempty"`

	// rotationTime is when the next secret is generated.
	//
	// +optional
	RotationTime *metav1.Time `json:"rotationTime,omitempty"`
}

// AuthClient is an application that may obtain tokens over OAuth 2.0.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=ac,categories=grantkeeper
// +kubebuilder:selectablefield:JSONPath=`.spec.clientID`
// +kubebuilder:selectablefield:JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Grant types",type=string,priority=1,JSONPath=`.spec.grantTypes`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",fieldPath=".metadata",message="metadata.name may be no longer than 63 characters"
// +kubebuilder:validation:XValidation:rule="has(self.spec.clientID) || self.metadata.name.size() > 63 || !self.metadata.name.matches('^.?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}.?$')",fieldPath=".metadata",message="metadata.name may not be a UUID where spec.clientID is absent: it could be taken for a user's subject"
type AuthClient struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the application is and may do.
	//
	// +required
	Spec AuthClientSpec `json:"spec"`

	// status is written by the operator alone. Until it has been, observedGeneration is -1, so that no
	// tool takes a new object for a finished one.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status AuthClientStatus `json:"status,omitzero"`
}

// AuthClientList is a list of AuthClients.
//
// +kubebuilder:object:root=true
type AuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []AuthClient `json:"items"`
}
