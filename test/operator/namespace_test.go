package operator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

func TestANamespaceThatIsMadeAgainIsAnotherTenant(t *testing.T) {
	t.Parallel()
	release := ownRelease("again")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	startReplica(t, options)
	settle := func() (*v1alpha1.RefreshTokenGrant, string) {
		s := sceneIn(release.Tenants[0])
		g := s.grant()
		s.apply(t, s.user(), s.client(), g)
		awaitReady(t, g)
		return g, string(secretOf(t, g).Data[v1alpha1.KeyAccessToken])
	}
	_, first := settle()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[0]}}
	if err := admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		again := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[0]}}
		return admin.Create(ctx, again) // fails until the old one has gone
	})
	if err := operator.Install(t.Context(), cp.Kubeconfig, release); err != nil {
		t.Fatal(err) // the Role went with the namespace
	}

	g, _ := settle()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		secret := &corev1.Secret{}
		name, _ := g.TargetName()
		if err := admin.Get(ctx, client.ObjectKey{Namespace: g.Namespace, Name: name}, secret); err != nil {
			return err
		}
		if keyOf(string(secret.Data[v1alpha1.KeyAccessToken])) == keyOf(first) {
			return fmt.Errorf("the token is signed with the old tenant's key")
		}
		return nil
	})
	keyrings := &corev1.SecretList{}
	if err := admin.List(t.Context(), keyrings, client.InNamespace(release.Namespace), client.MatchingLabels{v1alpha1.LabelTenant: release.Tenants[0]}); err != nil {
		t.Fatal(err)
	}
	if len(keyrings.Items) != 2 {
		t.Errorf("%d keyrings, want the old one, kept aside, and the new one", len(keyrings.Items))
	}
}

// keyOf is the header of a JWT, which names the key.
func keyOf(token string) string {
	header, _, _ := strings.Cut(token, ".")
	return header
}
