package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TokenRevocationSpec says how long a revocation is needed, whose it is, and why there is one.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.subject) && has(self.clientID))",message="subject and clientID exclude each other: a token is a user's, or a client's own"
// +kubebuilder:validation:XValidation:rule="!has(self.issuedUntil) || has(self.subject) || has(self.clientID)",message="issuedUntil needs the subject or the clientID whose tokens have died"
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: a revocation is made once and swept after expiresAt"
type TokenRevocationSpec struct {
	// expiresAt is when the revoked token, or the redeemed authorization code, would have expired. The
	// sweeper removes the object after.
	//
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`

	// subject is the UUID of the user whose token it is. Revocations are counted by it: past a limit the
	// user gets no more tokens that could be revoked. Absent: it counts for the tenant alone.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="subject must be a UUID in lower case with dashes"
	Subject string `json:"subject,omitempty"`

	// clientID is the client_id of a client that acted for itself. It counts as a subject does.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ClientID string `json:"clientID,omitempty"`

	// grantNamespace is where the grant of the token is, where that is another namespace. Each such
	// namespace is counted by itself.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	GrantNamespace string `json:"grantNamespace,omitempty"`

	// issuedUntil ends more than one token: every self-contained one of the subject, or of the client that
	// acted for itself, that was issued in this second or before and stands on no grant. The object's name is
	// then no token's. The endpoint writes it where one revocation for each token would be too many.
	//
	// +optional
	IssuedUntil *metav1.Time `json:"issuedUntil,omitempty"`

	// reason is a few words for people who read, such as "revoked at the endpoint".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason,omitempty"`
}

// TokenRevocation is a self-contained token that died before its expiry: its name is the token's
// jti. The endpoint refuses the token as long as the object exists. One whose name is no token's shows
// that an authorization code was redeemed, or ends many tokens at once (spec.issuedUntil).
//
// +kubebuilder:object:root=true
// +kubebuilder:ac:generate=false
// +kubebuilder:resource:scope=Namespaced,shortName=trv,categories=grantkeeper
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Subject",type=string,priority=1,JSONPath=`.spec.subject`
// +kubebuilder:printcolumn:name="Client",type=string,priority=1,JSONPath=`.spec.clientID`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",fieldPath=".metadata",message="metadata.name must be the jti of a token: a UUID in lower case with dashes"
type TokenRevocation struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the revocation.
	//
	// +required
	Spec TokenRevocationSpec `json:"spec"`
}

// TokenRevocationList is a list of TokenRevocations.
//
// +kubebuilder:object:root=true
type TokenRevocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []TokenRevocation `json:"items"`
}
