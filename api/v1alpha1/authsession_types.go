package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthSessionSpec is one live reference token, without the token.
//
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: delete the session to end its token"
type AuthSessionSpec struct {
	// id is the UUID of the session, which is the id of its access token (`jti`). Whoever ends a
	// session by its id finds it by this field; it counts only where the sealed record says the
	// same. Absent in sessions that an earlier version made.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="id must be a UUID in lower case with dashes"
	ID string `json:"id,omitempty"`

	// subject is the UUID of the user, or absent for a client that acts for itself.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="subject must be a UUID in lower case with dashes"
	Subject string `json:"subject,omitempty"`

	// username is the user's name when the token was made. For people who read; nothing is
	// decided by it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Username string `json:"username,omitempty"`

	// clientID is the client_id that the token was made for, where one was given.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	ClientID string `json:"clientID,omitempty"`

	// grantID is the id of the grant that the token stems from, where it does.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="grantID must be a UUID in lower case with dashes"
	GrantID string `json:"grantID,omitempty"`

	// grantNamespace is where that grant is, where that is another namespace.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	GrantNamespace string `json:"grantNamespace,omitempty"`

	// mobile marks a mobile session of the wazo dialect.
	//
	// +optional
	Mobile bool `json:"mobile,omitempty"`

	// expiresAt is when the token expires. The sweeper removes the object after.
	//
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`

	// sealed is what the token stands for, encrypted under the tenant's sealing key and bound to
	// the object's namespace and name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1048576
	Sealed []byte `json:"sealed"`
}

// AuthSession is one live reference access token. The endpoint makes it, under a name that is a
// digest of the token: who reads it cannot use it. Deleting it ends the token at once.
//
// +kubebuilder:object:root=true
// +kubebuilder:ac:generate=false
// +kubebuilder:resource:scope=Namespaced,shortName=as,categories=grantkeeper
// +kubebuilder:selectablefield:JSONPath=`.spec.id`
// +kubebuilder:selectablefield:JSONPath=`.spec.subject`
// +kubebuilder:selectablefield:JSONPath=`.spec.username`
// +kubebuilder:selectablefield:JSONPath=`.spec.clientID`
// +kubebuilder:selectablefield:JSONPath=`.spec.grantID`
// +kubebuilder:printcolumn:name="User",type=string,JSONPath=`.spec.username`
// +kubebuilder:printcolumn:name="Client",type=string,JSONPath=`.spec.clientID`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Grant",type=string,priority=1,JSONPath=`.spec.grantID`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[0-9a-v]{52}$')",fieldPath=".metadata",message="metadata.name must be the digest of a token: the endpoint makes sessions"
type AuthSession struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the session.
	//
	// +required
	Spec AuthSessionSpec `json:"spec"`
}

// AuthSessionList is a list of AuthSessions.
//
// +kubebuilder:object:root=true
type AuthSessionList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []AuthSession `json:"items"`
}
