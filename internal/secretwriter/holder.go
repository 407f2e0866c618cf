package secretwriter

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// OwnerReference makes an object of ours the owner of a Secret, without a say in whether it may be deleted.
func OwnerReference(kind string, object metav1.Object) *metav1.OwnerReference {
	return &metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       kind,
		Name:       object.GetName(),
		UID:        object.GetUID(),
	}
}

// PasswordTarget is the Secret of the name in which a user's password over HTTP is. It goes with the user,
// and it is one that a person could have provided: everything that reads passwords reads it. HTTP writes it,
// and a controller mends it.
func PasswordTarget(user *v1alpha1.AuthUser, name string) Target {
	return Target{
		Namespace:  user.Namespace,
		Name:       name,
		Credential: v1alpha1.CredentialInput,
		Evidence:   Evidence{Annotation: v1alpha1.AnnotationPasswordOf, Value: user.Spec.Subject},
		Owner:      OwnerReference("AuthUser", user),
	}
}

// PasswordContent is what that Secret holds.
func PasswordContent(data map[string][]byte) Content {
	return Content{Data: data, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}}
}
