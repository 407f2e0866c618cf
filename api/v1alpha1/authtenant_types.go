package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TenantName is the only name that an AuthTenant may have: a namespace is one tenant.
const TenantName = "tenant"

// Dialect is one of the protocols that the endpoint speaks.
//
// +kubebuilder:validation:Enum=OAuth2;Wazo
type Dialect string

// The dialects.
const (
	// DialectOAuth2 is OAuth 2.0 and OpenID Connect.
	DialectOAuth2 Dialect = "OAuth2"
	// DialectWazo is the HTTP interface of wazo-auth.
	DialectWazo Dialect = "Wazo"
)

// TenantAccessToken is what access tokens of the OAuth2 dialect are like where neither the grant nor
// its client says.
type TenantAccessToken struct {
	// ttl is how long an access token lives. Absent: 1h.
	//
	// +optional
	TTL *Duration `json:"ttl,omitempty"`

	// format is the form of an access token. Absent: JWT.
	//
	// +optional
	Format TokenFormat `json:"format,omitempty"`

	// signingAlgorithm signs self-contained tokens. Absent: ES256.
	//
	// +optional
	SigningAlgorithm SigningAlgorithm `json:"signingAlgorithm,omitempty"`
}

// TenantWazoAccessToken is what access tokens of the wazo dialect are like where neither the request
// nor the grant says.
type TenantWazoAccessToken struct {
	// ttl is how long an access token lives. Absent: 2h.
	//
	// +optional
	TTL *Duration `json:"ttl,omitempty"`

	// format is the form of an access token. Absent: Reference.
	//
	// +optional
	Format TokenFormat `json:"format,omitempty"`
}

// TenantDefaults are what the tenant's grants and clients have where they say nothing. A change
// issues the tokens anew that it concerns.
type TenantDefaults struct {
	// audiences are the `aud` of clients that list none. Absent: the tenant's issuer.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="audiences must be visible ASCII without quotes, backslashes and '#'"
	Audiences []string `json:"audiences,omitempty"`

	// accessToken is for the OAuth2 dialect.
	//
	// +optional
	AccessToken *TenantAccessToken `json:"accessToken,omitempty"`

	// wazoAccessToken is for the wazo dialect.
	//
	// +optional
	WazoAccessToken *TenantWazoAccessToken `json:"wazoAccessToken,omitempty"`
}

// TenantLimits bound what the endpoint keeps for a tenant. Past a bound a login is refused; nothing
// that stands is removed.
type TenantLimits struct {
	// maxSessions is how many live reference tokens the tenant may have. Absent: 10000. As many
	// revocations, and never fewer than 10000, may stand before it makes no more self-contained tokens.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	MaxSessions *int32 `json:"maxSessions,omitempty"`

	// maxGrants is how many grants the endpoint may keep for the tenant's users. Applied grants do
	// not count. Absent: 100000.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxGrants *int32 `json:"maxGrants,omitempty"`
}

// TenantKeys is how the tenant's signing keys are kept.
type TenantKeys struct {
	// rotateEvery is how long a signing key signs before the next one takes its place. That one has
	// been published all the while, so that no validator meets it unprepared. Absent: 2160h, 90 days.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1h')",message="rotateEvery must be at least 1h"
	RotateEvery *Duration `json:"rotateEvery,omitempty"`
}

// AuthTenantSpec is how a namespace's tenant is run.
type AuthTenantSpec struct {
	// displayName is what people call the tenant. Absent: the namespace's name.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\p{Cc}')`,message="displayName may not contain control characters"
	DisplayName string `json:"displayName,omitempty"`

	// dialects are what the endpoint speaks for the tenant. Absent: OAuth2, and in the default tenant
	// Wazo too. A dialect that is not listed answers as if there were no such tenant.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Dialects []Dialect `json:"dialects,omitempty"`

	// defaults are what grants and clients have where they say nothing.
	//
	// +optional
	Defaults *TenantDefaults `json:"defaults,omitempty"`

	// limits bound what the endpoint keeps for the tenant.
	//
	// +optional
	Limits *TenantLimits `json:"limits,omitempty"`

	// keys is how the signing keys are kept.
	//
	// +optional
	Keys *TenantKeys `json:"keys,omitempty"`
}

// TenantKeyStatus is one published signing key.
type TenantKeyStatus struct {
	// id is the key's id, the `kid` of the tokens that it signs.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	ID string `json:"id"`

	// algorithm is the only one that the key signs with.
	//
	// +required
	Algorithm SigningAlgorithm `json:"algorithm"`

	// state is Current, Standby or Retired: it signs, it is published ahead of its use, or it is
	// published until the last token that it signed has expired.
	//
	// +required
	// +kubebuilder:validation:Enum=Current;Standby;Retired
	State string `json:"state"`

	// createdAt is when the key was made.
	//
	// +required
	CreatedAt metav1.Time `json:"createdAt"`
}

// AuthTenantStatus is what the operator observed. It is rebuilt from the keyring when it is lost.
type AuthTenantStatus struct {
	// conditions: Ready, and IssuerChanged where the operator's flags ask for another issuer.
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

	// issuer is the `iss` of the tenant's tokens.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Issuer string `json:"issuer,omitempty"`

	// jwksURL is where the published keys are.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	JWKSURL string `json:"jwksURL,omitempty"`

	// keys are the published signing keys.
	//
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=64
	Keys []TenantKeyStatus `json:"keys,omitempty"`

	// rotationTime is when the next signing keys take over.
	//
	// +optional
	RotationTime *metav1.Time `json:"rotationTime,omitempty"`

	// nextRotation is rotationTime as text, for the print column: kubectl cannot print a date that
	// lies ahead.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	NextRotation string `json:"nextRotation,omitempty"`

	// rotateRequest is the value of the annotation rotate-keys that was last acted on.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RotateRequest string `json:"rotateRequest,omitempty"`

	// revokeRequest is the value of the annotation revoke-keys that was last acted on.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RevokeRequest string `json:"revokeRequest,omitempty"`
}

// AuthTenant is how a namespace's tenant is run. A namespace is a tenant without one, too, from its
// first user, client or grant on: then everything here is as if it were absent.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=at,categories=grantkeeper
// +kubebuilder:printcolumn:name="Display name",type=string,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.status.issuer`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Next rotation",type=string,JSONPath=`.status.nextRotation`
// +kubebuilder:printcolumn:name="Dialects",type=string,priority=1,JSONPath=`.spec.dialects`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'tenant'",fieldPath=".metadata",message="metadata.name must be tenant: a namespace is one tenant"
type AuthTenant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is how the tenant is run.
	//
	// +required
	Spec AuthTenantSpec `json:"spec"`

	// status is written by the operator alone. Until it has been, observedGeneration is -1, so that no
	// tool takes a new object for a finished one.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status AuthTenantStatus `json:"status,omitzero"`
}

// AuthTenantList is a list of AuthTenants.
//
// +kubebuilder:object:root=true
type AuthTenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []AuthTenant `json:"items"`
}
