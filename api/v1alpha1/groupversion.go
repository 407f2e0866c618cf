package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind in this package, and the prefix of its labels and
// annotations.
const GroupName = "auth.grantkeeper.dev"

var (
	// GroupVersion is the group and version under which the kinds are served.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}
	// SchemeGroupVersion is GroupVersion under the name that generated code expects.
	SchemeGroupVersion = GroupVersion
	// SchemeBuilder collects what AddToScheme registers.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)
	// AddToScheme registers every kind of this package with a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&AuthTenant{}, &AuthTenantList{},
		&AuthUser{}, &AuthUserList{},
		&AuthClient{}, &AuthClientList{},
		&RefreshTokenGrant{}, &RefreshTokenGrantList{},
		&AuthSession{}, &AuthSessionList{},
		&TokenRevocation{}, &TokenRevocationList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
