package controlplane_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// convergence is how long a controller may take on a busy machine.
const convergence = time.Minute

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{ControllerManager: true}))
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func configMap(namespace, name string, owners ...metav1.OwnerReference) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: name, OwnerReferences: owners,
	}}
}

func gone(ctx context.Context, c client.Client, object client.Object) error {
	err := c.Get(ctx, client.ObjectKeyFromObject(object), object)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%T %q is still there", object, object.GetName())
}

func TestDependantsOfADeletedOwnerAreCollected(t *testing.T) {
	t.Parallel()
	admin, namespace := newClient(t, cp.Config), cp.Namespace(t)
	owner := configMap(namespace, "owner")
	if err := admin.Create(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	dependant := configMap(namespace, "dependant", metav1.OwnerReference{
		APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: new(bool),
	})
	if err := admin.Create(t.Context(), dependant); err != nil {
		t.Fatal(err)
	}
	if err := admin.Delete(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error { return gone(ctx, admin, dependant) })
}

func TestADeletedNamespaceIsEmptiedAndGone(t *testing.T) {
	t.Parallel()
	admin := newClient(t, cp.Config)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: cp.Namespace(t)}}
	if err := admin.Create(t.Context(), configMap(namespace.Name, "content")); err != nil {
		t.Fatal(err)
	}
	if err := admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error { return gone(ctx, admin, namespace) })
}

func TestAServiceAccountMayDoOnlyWhatRBACGrants(t *testing.T) {
	t.Parallel()
	admin, namespace := newClient(t, cp.Config), cp.Namespace(t)
	account := &corev1.ServiceAccount{}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		return admin.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "default"}, account)
	})
	config, err := cp.ServiceAccountConfig(t.Context(), namespace, account.Name)
	if err != nil {
		t.Fatal(err)
	}
	err = newClient(t, config).Create(t.Context(), configMap(namespace, "refused"))
	if !apierrors.IsForbidden(err) {
		t.Errorf("create as a ServiceAccount without a role: %v, want Forbidden", err)
	}
	_, err = cp.ServiceAccountConfig(t.Context(), namespace, "nobody")
	if !apierrors.IsNotFound(err) {
		t.Errorf("token of an absent ServiceAccount: %v, want NotFound", err)
	}
}

func TestTheKubeconfigConnectsAsTheAdministrator(t *testing.T) {
	t.Parallel()
	config, err := clientcmd.BuildConfigFromFlags("", cp.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := newClient(t, config).List(t.Context(), &corev1.NamespaceList{}); err != nil {
		t.Errorf("list namespaces: %v", err)
	}
	info, err := os.Stat(cp.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the kubeconfig's mode is %o, want 600", got)
	}
}

func TestEventuallyReturnsAtTheFirstSuccess(t *testing.T) {
	t.Parallel()
	calls := 0
	controlplane.Eventually(t, convergence, func(context.Context) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if calls != 3 {
		t.Errorf("check ran %d times, want 3", calls)
	}
}
