package v1alpha1

// RefreshTokenRotation says whether a refresh token is replaced when it is used.
//
// +kubebuilder:validation:Enum=Never;Always
type RefreshTokenRotation string

// The rotations of refresh tokens.
const (
	// RefreshTokenRotationNever keeps a refresh token as it is. The default for a Confidential client,
	// whose secret protects it.
	RefreshTokenRotationNever RefreshTokenRotation = "Never"
	// RefreshTokenRotationAlways gives a new one with every use and takes a second use of the old one
	// for theft (RFC 9700 section 4.14.2). The default for a Public client, and its only choice.
	RefreshTokenRotationAlways RefreshTokenRotation = "Always"
)

// Consent says whether a user is asked before a client gets tokens.
//
// +kubebuilder:validation:Enum=Required;Implied
type Consent string

// The ways of consent.
const (
	// ConsentRequired asks the user at the first login and for every new scope. The default.
	ConsentRequired Consent = "Required"
	// ConsentImplied asks nobody: the client belongs to whoever runs the tenant.
	ConsentImplied Consent = "Implied"
)

// ClientRefreshToken is the policy of a client's refresh tokens from logins. Those that an applied
// grant delivers in a Secret live as long as the grant does.
type ClientRefreshToken struct {
	// rotation says whether a refresh token is replaced when it is used. Absent: Never for a
	// Confidential client, Always for a Public one.
	//
	// +optional
	Rotation RefreshTokenRotation `json:"rotation,omitempty"`

	// gracePeriod is how long the refresh token before is answered with the current one, for a client
	// that lost the answer. Absent: 30s. At most 60s.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) <= duration('60s')",message="gracePeriod may be no longer than 60s"
	GracePeriod *Duration `json:"gracePeriod,omitempty"`

	// idleTimeout is how long a refresh token lives without being used; only rotation Always tells
	// when it was. Absent: forever.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1m')",message="idleTimeout must be at least 1m"
	IdleTimeout *Duration `json:"idleTimeout,omitempty"`

	// maxAge is how long after the login its refresh tokens live. Absent: forever.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1m')",message="maxAge must be at least 1m"
	MaxAge *Duration `json:"maxAge,omitempty"`
}
