package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TokenRevocationSpec says how long a revocation is needed, and why there is one.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: a revocation is made once and swept after expiresAt"
type TokenRevocationSpec struct {
	// expiresAt is when the revoked token, or the redeemed authorization code, would have expired. The
	// sweeper removes the object after.
	//
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`

	// reason is a few words for people who read, such as "revoked at the endpoint".
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Reason string `json:"reason,omitempty"`
}

// TokenRevocation is a self-contained token that died before its expiry: its name is the token's
// jti. The endpoint refuses the token as long as the object exists. One whose name is no token's shows
// that an authorization code was redeemed.
//
// +kubebuilder:object:root=true
// +kubebuilder:ac:generate=false
// +kubebuilder:resource:scope=Namespaced,shortName=trv,categories=grantkeeper
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expiresAt`
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
