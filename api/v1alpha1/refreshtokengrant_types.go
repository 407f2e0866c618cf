package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GrantState says whether a grant may be used.
//
// +kubebuilder:validation:Enum=Active;Suspended;Revoked
type GrantState string

// The states of a grant.
const (
	// GrantStateActive lets the grant issue. The default.
	GrantStateActive GrantState = "Active"
	// GrantStateSuspended stops the grant until it is Active again. Its tokens are refused online
	// meanwhile, its Secret stays as it is.
	GrantStateSuspended GrantState = "Suspended"
	// GrantStateRevoked ends the grant for good; the endpoint sets it. Delete the grant to get rid
	// of it.
	GrantStateRevoked GrantState = "Revoked"
)

// UserReference names an AuthUser.
//
// +kubebuilder:validation:XValidation:rule="has(self.namespace) == has(oldSelf.namespace)",fieldPath=".namespace",message="userRef.namespace is immutable: the grant's tokens speak for this user"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.subject) || (has(self.subject) && self.subject == oldSelf.subject)",fieldPath=".subject",message="userRef.subject is immutable once set and may not be removed"
type UserReference struct {
	// name is the user's metadata.name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an AuthUser: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="userRef.name is immutable: the grant's tokens speak for this user"
	Name string `json:"name"`

	// namespace is the user's. Absent: the grant's own. In another one the user and the client must
	// allow it (allowedGrants), and the tokens are of that namespace's tenant.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="userRef.namespace is immutable: the grant's tokens speak for this user"
	Namespace string `json:"namespace,omitempty"`

	// subject pins the user that a grant made by the endpoint belongs to: a user who is deleted
	// and made again under the same name does not inherit it. The endpoint's: an applied grant
	// leaves it out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="subject must be a UUID in lower case with dashes"
	Subject string `json:"subject,omitempty"`
}

// ClientReference names an AuthClient in the namespace of the grant's user.
type ClientReference struct {
	// name is the client's metadata.name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an AuthClient: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientRef.name is immutable: the grant is this client's right"
	Name string `json:"name"`
}

// GrantLogin is what the endpoint knows of the login that a grant stems from. An applied grant
// has none.
type GrantLogin struct {
	// authTime is when the user proved the password (`auth_time`).
	//
	// +required
	AuthTime metav1.Time `json:"authTime"`

	// issuedAt is when the refresh token was made.
	//
	// +required
	IssuedAt metav1.Time `json:"issuedAt"`

	// codeExpiresAt is when the authorization code expires that the grant stems from. Until then the
	// endpoint does not remove the grant: it is what shows that the code was used. Absent: no code was.
	//
	// +optional
	CodeExpiresAt *metav1.Time `json:"codeExpiresAt,omitempty"`

	// cv is the version of the credential that was proven: eight bytes in base64url. OAuth tokens
	// from this login die when it matches no current password.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9_-]{11}$')",message="cv must be eight bytes in base64url"
	CV string `json:"cv,omitempty"`

	// mobile marks a mobile session of the wazo dialect.
	//
	// +optional
	Mobile bool `json:"mobile,omitempty"`

	// userAgent is the User-Agent header of the login.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	UserAgent string `json:"userAgent,omitempty"`
}

// RefreshTokenGrantSpec is the right of one client to act for one user, and where its tokens go.
//
// +kubebuilder:validation:XValidation:rule="has(self.clientRef) != has(self.clientID)",message="spec needs exactly one of clientRef and clientID"
// +kubebuilder:validation:XValidation:rule="has(self.clientRef) == has(oldSelf.clientRef)",message="clientRef and clientID are immutable: one may not replace the other"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.id) || (has(self.id) && self.id == oldSelf.id)",fieldPath=".id",message="id is immutable once set and may not be removed: every token of the grant is derived from it"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.target) || has(self.target)",fieldPath=".target",message="target may not be removed once set: delete the grant, or make another one without"
// +kubebuilder:validation:XValidation:rule="!has(self.rolloutRestart) || has(self.target)",fieldPath=".rolloutRestart",message="rolloutRestart needs a target"
// +kubebuilder:validation:XValidation:rule="oldSelf.?epoch.orValue(0) <= self.?epoch.orValue(0)",fieldPath=".epoch",message="epoch may neither fall nor be removed: revoked tokens would count again"
// +kubebuilder:validation:XValidation:rule="oldSelf.?refreshToken.generation.orValue(0) <= self.?refreshToken.generation.orValue(0)",fieldPath=".refreshToken",message="refreshToken.generation may neither fall nor be removed: rotated refresh tokens would count again"
// +kubebuilder:validation:XValidation:rule="oldSelf.?state.orValue('Active') != 'Revoked' || self.?state.orValue('Active') == 'Revoked'",fieldPath=".state",message="state may not leave Revoked: delete the grant and make another one"
// +kubebuilder:validation:XValidation:rule="self.?refreshToken.delivery.orValue('None') != 'Secret' || has(self.target)",fieldPath=".refreshToken",message="refreshToken.delivery Secret needs a target"
// +kubebuilder:validation:XValidation:rule="!has(self.clientID) || !has(self.audiences)",fieldPath=".audiences",message="audiences may not be set with clientID: a wazo token is for its issuer"
type RefreshTokenGrantSpec struct {
	// id is the UUID from which every token of the grant is derived. Absent: the operator writes
	// one, once. It never changes after; a backup must keep it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="id must be a UUID in lower case with dashes"
	ID string `json:"id,omitempty"`

	// userRef names the user that the tokens speak for.
	//
	// +required
	UserRef UserReference `json:"userRef"`

	// clientRef names the AuthClient that may act: an OAuth 2.0 grant. Exactly one of clientRef
	// and clientID is set.
	//
	// +optional
	ClientRef *ClientReference `json:"clientRef,omitempty"`

	// clientID is the free client_id of an unregistered client: a wazo grant. It is never the same
	// client as an AuthClient with an equal client_id.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientID is immutable: the grant is this client's right"
	ClientID string `json:"clientID,omitempty"`

	// state lets the grant be used or not. Absent: Active. Revoked is final.
	//
	// +optional
	State GrantState `json:"state,omitempty"`

	// scopes are what the tokens carry. All of them or none: a grant that asks for more than its
	// client and its user allow issues nothing. Absent: the client's default scopes that the user
	// has, or all patterns of the user for a wazo grant, whose tokens always carry the user's
	// denials too.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[$-)+-\[\]-~]+$')`,message="scopes must be concrete: visible ASCII without quotes, backslashes, '*', '#' and '!'"
	Scopes []string `json:"scopes,omitempty"`

	// audiences narrow the client's audiences. Absent: all of them.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="audiences must be visible ASCII without quotes, backslashes and '#'"
	Audiences []string `json:"audiences,omitempty"`

	// accessToken is the form and the renewal of the access tokens.
	//
	// +optional
	AccessToken *GrantAccessToken `json:"accessToken,omitempty"`

	// refreshToken is the delivery and the state of the refresh token.
	//
	// +optional
	RefreshToken *GrantRefreshToken `json:"refreshToken,omitempty"`

	// epoch is part of every token of the grant: raising it kills them all at once. The
	// operator's; absent: 1. It never falls.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Epoch int64 `json:"epoch,omitempty"`

	// target is the Secret that the operator keeps fresh. Absent: none, tokens are made on
	// request. Once set it is fixed.
	//
	// +optional
	Target *GrantTarget `json:"target,omitempty"`

	// rolloutRestart restarts workloads that read the Secret at their start, after the token in it has
	// changed. Absent: none; a mounted Secret needs no restart.
	//
	// +optional
	RolloutRestart *RolloutRestart `json:"rolloutRestart,omitempty"`

	// login is what the endpoint knows of the login that made the grant. The endpoint's.
	//
	// +optional
	Login *GrantLogin `json:"login,omitempty"`

	// expiresAt is when the grant ends. No token outlives it.
	//
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// RefreshTokenGrantStatus is what the operator observed. It is rebuilt from the target Secret when
// it is lost.
type RefreshTokenGrantStatus struct {
	// conditions: Ready; Issuing where there is a target; Drifted while somebody else keeps changing the
	// Secret; RestartTriggered where there is rolloutRestart.
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

	// username is the effective username of the grant's user.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Username string `json:"username,omitempty"`

	// clientID is the effective client_id of the grant's client.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	ClientID string `json:"clientID,omitempty"`

	// revision counts the tokens that were written to the target Secret.
	//
	// +optional
	Revision int64 `json:"revision,omitempty"`

	// tokenID is the jti of the token in the Secret: with the times below and the key it is
	// enough to make the same bytes again.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	TokenID string `json:"tokenID,omitempty"`

	// keyID is the id of the key that signed it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// notBefore is the second from which the token counts, a minute before it was issued.
	//
	// +optional
	NotBefore *metav1.Time `json:"notBefore,omitempty"`

	// notAfter is the second at which it expires.
	//
	// +optional
	NotAfter *metav1.Time `json:"notAfter,omitempty"`

	// deliveredAt is when the token came into the Secret: after it was issued, where a renewal was late.
	// Absent where that is not known, as after a restore.
	//
	// +optional
	DeliveredAt *metav1.Time `json:"deliveredAt,omitempty"`

	// renewalTime is the second at which the next revision is due. It is shown, never read.
	//
	// +optional
	RenewalTime *metav1.Time `json:"renewalTime,omitempty"`

	// nextRenewal is renewalTime as text, for the print column: kubectl cannot print a date that
	// lies ahead.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	NextRenewal string `json:"nextRenewal,omitempty"`

	// renewRequest is the value of the annotation renew-requested that was last acted on.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	RenewRequest string `json:"renewRequest,omitempty"`
}

// RefreshTokenGrant is the right of one client to act for one user until it is deleted. With a
// target, a Secret holds an access token of it that is always fresh. Who may create one in a
// namespace can act as any user there, and as every user elsewhere who permits that namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=rtg,categories=grantkeeper
// +kubebuilder:selectablefield:JSONPath=`.spec.id`
// +kubebuilder:selectablefield:JSONPath=`.spec.userRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.clientRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.state`
// +kubebuilder:selectablefield:JSONPath=`.status.username`
// +kubebuilder:selectablefield:JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.spec.userRef.name`
// +kubebuilder:printcolumn:name="Client",type=string,JSONPath=`.spec['clientRef.name','clientID']`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Next renewal",type=string,JSONPath=`.status.nextRenewal`
// +kubebuilder:printcolumn:name="Revision",type=integer,priority=1,JSONPath=`.status.revision`
// +kubebuilder:printcolumn:name="ID",type=string,priority=1,JSONPath=`.spec.id`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",fieldPath=".metadata",message="metadata.name may be no longer than 63 characters"
type RefreshTokenGrant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the right and where its tokens go.
	//
	// +required
	Spec RefreshTokenGrantSpec `json:"spec"`

	// status is written by the operator alone. Until it has been, observedGeneration is -1, so that no
	// tool takes a new object for a finished one.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status RefreshTokenGrantStatus `json:"status,omitzero"`
}

// RefreshTokenGrantList is a list of RefreshTokenGrants.
//
// +kubebuilder:object:root=true
type RefreshTokenGrantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []RefreshTokenGrant `json:"items"`
}
