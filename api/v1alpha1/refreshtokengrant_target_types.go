package v1alpha1

// CreationPolicy says what becomes of a target Secret when its grant is deleted.
//
// +kubebuilder:validation:Enum=Owner;Orphan
type CreationPolicy string

// The creation policies.
const (
	// CreationPolicyOwner makes the grant the Secret's owner: it is collected with the grant. The
	// default.
	CreationPolicyOwner CreationPolicy = "Owner"
	// CreationPolicyOrphan leaves the Secret behind, with a token that is dead online.
	CreationPolicyOrphan CreationPolicy = "Orphan"
)

// TargetKeys renames the data keys of a target Secret.
//
// +kubebuilder:validation:XValidation:rule="[[self.?accessToken.orValue('token'), self.?expiry.orValue('expires_at'), self.?tokenType.orValue('token_type'), self.?clientID.orValue('client_id'), self.?issuer.orValue('issuer'), self.?tokenURL.orValue('token_url'), self.?caBundle.orValue('ca.crt'), self.?refreshToken.orValue('refresh_token')]].all(names, names.all(name, names.exists_one(other, other == name)))",message="keys must be distinct, also from the default names of those that are absent"
type TargetKeys struct {
	// accessToken is the key of the access token. Absent: token.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	AccessToken string `json:"accessToken,omitempty"`

	// expiry is the key of the access token's expiry, RFC 3339. Absent: expires_at.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Expiry string `json:"expiry,omitempty"`

	// tokenType is the key of the token type, always Bearer. Absent: token_type.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	TokenType string `json:"tokenType,omitempty"`

	// clientID is the key of the client_id. Absent: client_id.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	ClientID string `json:"clientID,omitempty"`

	// issuer is the key of the tenant's issuer URL. Absent: issuer.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Issuer string `json:"issuer,omitempty"`

	// tokenURL is the key of the token endpoint's URL. Absent: token_url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	TokenURL string `json:"tokenURL,omitempty"`

	// caBundle is the key of the CA bundle that verifies the endpoint. Absent: ca.crt.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	CABundle string `json:"caBundle,omitempty"`

	// refreshToken is the key of the refresh token, where it is delivered. Absent: refresh_token.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	RefreshToken string `json:"refreshToken,omitempty"`
}

// GrantTarget is the Secret into which the operator writes the grant's token.
type GrantTarget struct {
	// name is the Secret's name. Absent: the grant's name with -token behind it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	Name string `json:"name,omitempty"`

	// creationPolicy says what becomes of the Secret when the grant is deleted. Absent: Owner.
	//
	// +optional
	CreationPolicy CreationPolicy `json:"creationPolicy,omitempty"`

	// keys renames the data keys of the Secret.
	//
	// +optional
	Keys *TargetKeys `json:"keys,omitempty"`
}
