package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RefreshTokenDelivery says where a grant's refresh token goes.
//
// +kubebuilder:validation:Enum=None;Secret
type RefreshTokenDelivery string

// The deliveries of a refresh token.
const (
	// RefreshTokenDeliveryNone keeps the refresh token out of the Secret. The default: a workload
	// that reads a fresh access token needs none.
	RefreshTokenDeliveryNone RefreshTokenDelivery = "None"
	// RefreshTokenDeliverySecret writes it to the target Secret, for a client that refreshes by
	// itself. A delivered refresh token never rotates.
	RefreshTokenDeliverySecret RefreshTokenDelivery = "Secret"
)

// GrantAccessToken is the form and the renewal of a grant's access tokens.
//
// +kubebuilder:validation:XValidation:rule="!has(self.renewBefore) || !has(self.renewBeforePercentage)",message="accessToken may have renewBefore or renewBeforePercentage, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.ttl) || !has(self.renewBefore) || !self.ttl.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || !self.renewBefore.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self.renewBefore) < duration(self.ttl)",fieldPath=".renewBefore",message="renewBefore must be shorter than ttl"
type GrantAccessToken struct {
	// ttl is how long an access token lives. Absent: the client's; for a wazo grant what
	// the AuthTenant says, or 2h.
	//
	// +optional
	TTL *Duration `json:"ttl,omitempty"`

	// renewBefore is how long before its expiry the token in the Secret is replaced. A mounted
	// Secret reaches a pod up to 90 seconds late. Absent: a third of ttl.
	//
	// +optional
	RenewBefore *Duration `json:"renewBefore,omitempty"`

	// renewBeforePercentage is renewBefore as a share of ttl.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	RenewBeforePercentage *int32 `json:"renewBeforePercentage,omitempty"`

	// format is the form of an access token. Absent: the client's; for a wazo grant what
	// the AuthTenant says, or Reference.
	//
	// +optional
	Format TokenFormat `json:"format,omitempty"`
}

// GrantRefreshToken is the state of a grant's refresh token. The token itself is stored nowhere:
// it is derived from the tenant's keyring, the grant's id, its epoch and these counters.
type GrantRefreshToken struct {
	// delivery says where the refresh token goes. Absent: None.
	//
	// +optional
	Delivery RefreshTokenDelivery `json:"delivery,omitempty"`

	// generation counts rotations. The endpoint's; absent: 1. It never falls.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Generation int64 `json:"generation,omitempty"`

	// rotatedAt is when the generation last rose. The endpoint's.
	//
	// +optional
	RotatedAt *metav1.Time `json:"rotatedAt,omitempty"`

	// keyVersion names the refresh key of the keyring that made the token. The operator's.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	KeyVersion int32 `json:"keyVersion,omitempty"`
}
