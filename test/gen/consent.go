package gen

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// ToNames is a consent for namespaces by their names.
func ToNames(names ...string) *v1alpha1.AllowedGrants {
	return &v1alpha1.AllowedGrants{Namespaces: &v1alpha1.AllowedNamespaces{From: v1alpha1.NamespacesFromNames, Names: names}}
}

// ToLabelled is a consent for namespaces that bear a label.
func ToLabelled(key, value string) *v1alpha1.AllowedGrants {
	return &v1alpha1.AllowedGrants{Namespaces: &v1alpha1.AllowedNamespaces{
		From:     v1alpha1.NamespacesFromSelector,
		Selector: &v1alpha1.NamespaceSelector{MatchLabels: map[string]v1alpha1.LabelValue{key: v1alpha1.LabelValue(value)}},
	}}
}

// UserAllows sets which grants may speak for the user; nil takes the consent away.
func UserAllows(allowed *v1alpha1.AllowedGrants) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.AllowedGrants = allowed }
}

// ClientAllows sets which grants may be for the client; nil takes the consent away.
func ClientAllows(allowed *v1alpha1.AllowedGrants) func(*v1alpha1.AuthClient) {
	return func(c *v1alpha1.AuthClient) { c.Spec.AllowedGrants = allowed }
}

// UserIn makes it a grant for a user of another namespace.
func UserIn(namespace string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.UserRef.Namespace = namespace }
}

// LabelledNamespace builds a namespace with labels.
func LabelledNamespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}
