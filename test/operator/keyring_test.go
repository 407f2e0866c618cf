package operator_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
)

func TestAnUnreadableKeyringStopsItsTenantAndIsNeverReplaced(t *testing.T) {
	t.Parallel()
	s := sceneIn(keyringTenant)
	user, c := s.user(), s.client()
	g := s.grant()
	s.apply(t, user, c, g)
	awaitReady(t, user, c, g)
	issued, credential := secretOf(t, g), secretNamed(t, s.namespace, c.Spec.Secret.Generate.SecretName)

	keyring := keyringOf(t, s.namespace)
	good := keyring.DeepCopy()
	for name, vandalize := range map[string]func(*corev1.Secret){
		"cut": func(secret *corev1.Secret) {
			secret.Data[keyrings.DataKey] = good.Data[keyrings.DataKey][:100]
		},
		"emptied": func(secret *corev1.Secret) { secret.Data = nil },
		"foreign": func(secret *corev1.Secret) { secret.Annotations[v1alpha1.AnnotationTenantUID] = "another" },
	} {
		edit(t, keyring, vandalize)
		bad := keyring.DeepCopy()
		for _, object := range []client.Object{g, c, user} {
			awaitRefused(t, object, v1alpha1.ReasonKeyringUnreadable)
		}
		// Whoever applies something now gets nothing made, and neither does a deleted Secret come back.
		later := s.grantNamed("later-" + name)
		s.apply(t, later)
		awaitRefused(t, later, v1alpha1.ReasonKeyringUnreadable)
		remove(t, later)
		remove(t, secretOf(t, g))
		newScene().issued(t) // in another tenant all goes on

		if now := keyringOf(t, s.namespace); now.ResourceVersion != bad.ResourceVersion {
			t.Errorf("%s: the keyring was written", name)
		}
		edit(t, keyring, func(secret *corev1.Secret) { secret.Data, secret.Annotations = good.Data, good.Annotations })
		awaitReady(t, user, c, g)
		sameData(t, name+": the grant's Secret", secretOf(t, g), issued)
		sameData(t, name+": the client's Secret", secretNamed(t, s.namespace, credential.Name), credential)
	}
}

func TestAKeyringThatLostItsLabelIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := sceneIn(unlabelledTenant)
	g, issued := s.issued(t)
	keyring := keyringOf(t, s.namespace)
	labels := keyring.DeepCopy().Labels
	edit(t, keyring, func(secret *corev1.Secret) { secret.Labels = nil })
	if message := awaitRefused(t, g, v1alpha1.ReasonKeyringUnreadable); !strings.Contains(message, v1alpha1.LabelCredential+"=keyring") {
		t.Errorf("the message %q does not say what to do", message)
	}
	edit(t, keyring, func(secret *corev1.Secret) { secret.Labels = labels })
	awaitReady(t, g)
	sameData(t, "the grant's Secret", secretOf(t, g), issued)
}

func TestAKeyringSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.issued(t)
	namespace := &corev1.Namespace{}
	if err := admin.Get(t.Context(), types.NamespacedName{Name: s.namespace}, namespace); err != nil {
		t.Fatal(err)
	}
	keyring := keyringOf(t, s.namespace)
	if keyring.Annotations[v1alpha1.AnnotationTenantUID] != string(namespace.UID) || keyring.Annotations[v1alpha1.AnnotationIssuer] != issuerOf(s.namespace) ||
		keyring.Labels[v1alpha1.LabelTenant] != s.namespace || len(keyring.OwnerReferences) != 0 {
		t.Errorf("labels %v, annotations %v, owners %v", keyring.Labels, keyring.Annotations, keyring.OwnerReferences)
	}
}

// keyringOf finds the one keyring of a tenant of the shared operator, whatever its labels are.
func keyringOf(t *testing.T, namespace string) *corev1.Secret {
	t.Helper()
	return keyringIn(t, operatorNamespace, namespace)
}

// keyringIn finds the keyring of a tenant by its name.
func keyringIn(t *testing.T, operatorNamespace, namespace string) *corev1.Secret {
	t.Helper()
	tenant := &corev1.Namespace{}
	if err := admin.Get(t.Context(), types.NamespacedName{Name: namespace}, tenant); err != nil {
		t.Fatal(err)
	}
	keyring := &corev1.Secret{}
	key := client.ObjectKey{Namespace: operatorNamespace, Name: keyrings.Name(namespace, string(tenant.UID))}
	if err := admin.Get(t.Context(), key, keyring); err != nil {
		t.Fatal(err)
	}
	return keyring
}
