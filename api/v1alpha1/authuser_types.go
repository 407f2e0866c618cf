package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Purpose says what kind of principal an AuthUser stands for. The wazo dialect reports it in a
// token's metadata and limits sessions by it.
//
// +kubebuilder:validation:Enum=User;Internal;ExternalAPI
type Purpose string

// The purposes.
const (
	// PurposeUser is a person. The default.
	PurposeUser Purpose = "User"
	// PurposeInternal is a service of the same installation; maxSessions does not bind it.
	PurposeInternal Purpose = "Internal"
	// PurposeExternalAPI is a program outside the installation.
	PurposeExternalAPI Purpose = "ExternalAPI"
)

// UserState says whether a user may be used at all.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type UserState string

// The states of a user.
const (
	// UserStateEnabled lets the user log in and its grants issue. The default.
	UserStateEnabled UserState = "Enabled"
	// UserStateDisabled refuses logins, ends sessions and stops renewal. Nothing is deleted, so
	// enabling the user again brings its refresh tokens back.
	UserStateDisabled UserState = "Disabled"
)

// Email is one e-mail address of a user. It is a login, too.
type Email struct {
	// address is the e-mail address. Within a namespace all usernames and addresses are one login
	// space, compared without regard to case.
	//
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[^@:\s\p{Cc}]+@[^@:\s\p{Cc}]+$')`,message="must be an e-mail address without ':', spaces and control characters"
	Address string `json:"address"`

	// main marks the address that stands in tokens. Absent everywhere: the first address.
	//
	// +optional
	Main bool `json:"main,omitempty"`

	// verified says that the user has proven to own the address; it becomes email_verified.
	//
	// +optional
	Verified bool `json:"verified,omitempty"`
}

// SecretKeyReference names one key of a Secret in the same namespace. The Secret must carry the
// label `auth.grantkeeper.dev/credential: input`, or be one in which the operator keeps a
// generated credential; any other Secret counts as absent.
type SecretKeyReference struct {
	// name is the Secret's name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	Name string `json:"name"`

	// key is the data key within the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Key string `json:"key"`
}

// GeneratedPassword asks the operator for a password. It is derived from the tenant's keyring and
// the second it was made, so a lost Secret comes back with the same value.
//
// +kubebuilder:validation:XValidation:rule="!has(self.overlap) || has(self.rotateEvery)",fieldPath=".overlap",message="overlap needs rotateEvery"
// +kubebuilder:validation:XValidation:rule="!has(self.overlap) || !has(self.rotateEvery) || !self.overlap.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || !self.rotateEvery.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self.overlap) <= duration(self.rotateEvery)",fieldPath=".overlap",message="overlap may not be longer than rotateEvery"
type GeneratedPassword struct {
	// secretName names the Secret that the operator writes, with the keys username and password.
	// A Secret of that name that is not the operator's is left untouched.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="secretName is immutable"
	SecretName string `json:"secretName"`

	// length is the number of characters, each worth six bits. Absent: 32.
	//
	// +optional
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=128
	Length *int32 `json:"length,omitempty"`

	// rotateEvery is how long a password is in use before the next one takes its place. Absent: it
	// stays.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1h')",message="rotateEvery must be at least 1h"
	RotateEvery *Duration `json:"rotateEvery,omitempty"`

	// overlap is how long the password before is good beside the new one. Absent: 24h, or rotateEvery
	// where that is shorter.
	//
	// +optional
	Overlap *Duration `json:"overlap,omitempty"`
}

// UserPassword says where a user's password comes from: exactly one of its fields is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.secretRef), has(self.hashSecretRef), has(self.generate)].filter(set, set).size() == 1",message="password needs exactly one of secretRef, hashSecretRef and generate"
type UserPassword struct {
	// secretRef takes the password from a Secret that a person provides.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// hashSecretRef takes the hash of the password from a Secret that a person provides: argon2id
	// ($argon2id$…) of at most 64 MiB and 5 passes, bcrypt ($2b$…) of at most cost 14, or
	// PBKDF2-HMAC-SHA512 as wazo-auth makes it, of at most 1,000,000 iterations.
	//
	// +optional
	HashSecretRef *SecretKeyReference `json:"hashSecretRef,omitempty"`

	// generate lets the operator make the password and write it to a Secret.
	//
	// +optional
	Generate *GeneratedPassword `json:"generate,omitempty"`
}

// AuthUserSpec is what a user is and may do.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.subject) || (has(self.subject) && self.subject == oldSelf.subject)",fieldPath=".subject",message="subject is immutable once set and may not be removed: tokens and external records name the user by it"
type AuthUserSpec struct {
	// username is the name to log in with. Absent: metadata.name. It may not contain ':', where
	// HTTP Basic ends a login, and no control characters.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'[:\p{Cc}]')`,message="username may not contain ':' or control characters"
	Username string `json:"username,omitempty"`

	// subject is the UUID that identifies the user in tokens (`sub`). Absent: the operator writes
	// one, once. It never changes after; a backup must keep it.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="subject must be a UUID in lower case with dashes"
	Subject string `json:"subject,omitempty"`

	// emails are the user's addresses, each also a login.
	//
	// +optional
	// +listType=map
	// +listMapKey=address
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.filter(e, has(e.main) && e.main).size() <= 1",message="emails may have at most one main address"
	// +kubebuilder:validation:XValidation:rule="self.all(e, self.exists_one(o, o.address.lowerAscii() == e.address.lowerAscii()))",message="emails may not differ by case only: logins are compared without regard to case"
	Emails []Email `json:"emails,omitempty"`

	// firstName is the given name, in tokens only with the scope profile.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\p{Cc}')`,message="firstName may not contain control characters"
	FirstName string `json:"firstName,omitempty"`

	// lastName is the family name, in tokens only with the scope profile.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\p{Cc}')`,message="lastName may not contain control characters"
	LastName string `json:"lastName,omitempty"`

	// purpose says what the user stands for. Absent: User.
	//
	// +optional
	Purpose Purpose `json:"purpose,omitempty"`

	// state enables or disables the user. Absent: Enabled.
	//
	// +optional
	State UserState `json:"state,omitempty"`

	// password says where the password comes from. Absent: the user cannot log in with one, and
	// acts through applied grants only.
	//
	// +optional
	Password *UserPassword `json:"password,omitempty"`

	// scopes are patterns of what the user may be granted: '*' matches within a segment, '#'
	// across segments, and a leading '!' denies and always wins. A pattern has at most 8 of the two
	// wildcards: they decide what a comparison costs. The patterns are also the acl of the user's
	// wazo tokens, so letters beyond ASCII may occur; no OAuth 2.0 scope has any. Absent: nothing.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=512
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^!?[^!\s\p{Z}\p{C}]+$')`,message="scopes must be patterns without spaces and control characters, '!' only in front"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('([*#][^*#]*){9}')",message="scopes may hold at most 8 wildcards, '*' and '#', in one pattern"
	Scopes []string `json:"scopes,omitempty"`

	// maxSessions is how many reference tokens the user may have alive at once. Absent: 100. As many
	// revocations, and never fewer than 100, may stand before the user gets no more self-contained
	// tokens. It does not bind the purpose Internal.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	MaxSessions *int32 `json:"maxSessions,omitempty"`

	// maxGrants is how many grants the endpoint may keep for the user. Absent: 100.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	MaxGrants *int32 `json:"maxGrants,omitempty"`

	// allowedGrants says which grants may speak for the user. Absent: those of the same namespace.
	//
	// +optional
	AllowedGrants *AllowedGrants `json:"allowedGrants,omitempty"`

	// expiresAt is when the user stops being one, as if it were disabled. No token outlives it.
	//
	// +optional
	ExpiresAt *metav1.Time `json:"expiresAt,omitempty"`
}

// AuthUserStatus is what the operator observed. It is rebuilt from nothing when it is lost.
type AuthUserStatus struct {
	// conditions: Ready.
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

	// username is the effective username. Empty while the user is a duplicate.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Username string `json:"username,omitempty"`

	// subject is the subject that tokens carry. Empty while the user is a duplicate.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=36
	Subject string `json:"subject,omitempty"`

	// emails are the addresses that this user holds as logins. Empty while the user is a
	// duplicate.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=254
	Emails []string `json:"emails,omitempty"`

	// generatedAt is the second from which a generated password is derived. Its other copy is on
	// the Secret; either one brings the same password back.
	//
	// +optional
	GeneratedAt *metav1.Time `json:"generatedAt,omitempty"`

	// previousGeneratedAt is that second of the password before, while it is good too.
	//
	// +optional
	PreviousGeneratedAt *metav1.Time `json:"previousGeneratedAt,omitempty"`

	// rotationTime is when the next password is generated.
	//
	// +optional
	RotationTime *metav1.Time `json:"rotationTime,omitempty"`
}

// AuthUser is a principal: someone or something that tokens speak for. Who may create or change
// one in a namespace decides who can log in there.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=au,categories=grantkeeper
// +kubebuilder:selectablefield:JSONPath=`.spec.subject`
// +kubebuilder:selectablefield:JSONPath=`.spec.state`
// +kubebuilder:selectablefield:JSONPath=`.spec.purpose`
// +kubebuilder:selectablefield:JSONPath=`.status.username`
// +kubebuilder:selectablefield:JSONPath=`.status.subject`
// +kubebuilder:printcolumn:name="Username",type=string,JSONPath=`.status.username`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Subject",type=string,priority=1,JSONPath=`.status.subject`
// +kubebuilder:printcolumn:name="Expires",type=string,priority=1,JSONPath=`.spec.expiresAt`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",fieldPath=".metadata",message="metadata.name may be no longer than 63 characters"
type AuthUser struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the user is and may do.
	//
	// +required
	Spec AuthUserSpec `json:"spec"`

	// status is written by the operator alone. Until it has been, observedGeneration is -1, so that no
	// tool takes a new object for a finished one.
	//
	// +optional
	// +default={"observedGeneration": -1}
	Status AuthUserStatus `json:"status,omitzero"`
}

// AuthUserList is a list of AuthUsers.
//
// +kubebuilder:object:root=true
type AuthUserList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []AuthUser `json:"items"`
}
