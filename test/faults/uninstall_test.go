package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// TestAnUninstallWithLiveObjectsWaitsForNobody: with the operator dead, the release, a tenant's
// namespace and every kind go, in any order, as fast as Kubernetes takes. It needs a cluster of its
// own, whose kinds it takes away.
func TestAnUninstallWithLiveObjectsWaitsForNobody(t *testing.T) {
	t.Parallel()
	cluster, err := controlplane.Start(t.Context(), controlplane.Options{ControllerManager: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Stop() })
	c, err := stage.Connect(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	release := operator.Release{Namespace: "grantkeeper-system", Tenants: []string{"team-a", "team-b"}, CRDs: true}
	for _, name := range release.Tenants {
		create(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	if err := operator.Install(t.Context(), cluster.Kubeconfig, release); err != nil {
		t.Fatal(err)
	}
	o, err := operator.Start(t.Context(), cluster, operator.Options{Release: release, Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	for _, name := range release.Tenants {
		objects += liveObjects(t, c, name)
	}
	o.Kill()

	first := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[0]}}
	took := gone(t, c, first)
	figure(t, "uninstall: until a namespace with live objects had gone (at most 30s)", took)
	started := time.Now()
	if err := operator.Uninstall(t.Context(), cluster.Kubeconfig, release); err != nil {
		t.Fatal(err)
	}
	figure(t, "uninstall: helm uninstall", since(started))
	slowest := took
	all := kinds(t, c)
	for i := range all {
		slowest = max(slowest, gone(t, c, &all[i]))
	}
	slowest = max(slowest, gone(t, c, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[1]}}))
	figure(t, "uninstall: live objects, and kinds", fmt.Sprintf("%d, %d", objects, len(all)))
	figure(t, "uninstall: longest wait (at most 30s)", slowest)
	if slowest > 30*time.Second {
		t.Errorf("something took %s to go", slowest)
	}
}

// liveObjects applies one object of each kind that people write, with what hangs on them.
func liveObjects(t *testing.T, c client.Client, tenant string) int {
	t.Helper()
	password := gen.PasswordSecret(user, "open sesame")
	self, reference := grant(tenant, "self-contained"), grant(tenant, "reference")
	reference.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference} // has an AuthSession
	all := []client.Object{
		password, gen.ClientSecret(clientID, clientSecret),
		gen.AuthUser(user, gen.Password(), gen.UserScopes("orders:*")),
		gen.AuthClient(clientID, gen.ClientScopes("orders:*")),
		self, reference,
	}
	for _, object := range all {
		create(t, c, gen.In(tenant, object))
	}
	stage.AwaitReady(t, c, self, reference)
	for _, list := range []client.ObjectList{
		&v1alpha1.AuthUserList{}, &v1alpha1.AuthClientList{}, &v1alpha1.RefreshTokenGrantList{}, &v1alpha1.AuthSessionList{},
	} {
		wantNoFinalizers(t, c, list, tenant)
	}
	return len(all)
}

func wantNoFinalizers(t *testing.T, c client.Client, list client.ObjectList, tenant string) {
	t.Helper()
	metadata := &metav1.PartialObjectMetadataList{}
	kind, err := c.GroupVersionKindFor(list)
	if err != nil {
		t.Fatal(err)
	}
	metadata.SetGroupVersionKind(kind)
	if err := c.List(t.Context(), metadata, client.InNamespace(tenant)); err != nil {
		t.Fatal(err)
	}
	if len(metadata.Items) == 0 {
		t.Errorf("no object of %s: the test proves nothing of it", kind.Kind)
	}
	for _, object := range metadata.Items {
		if len(object.Finalizers) > 0 {
			t.Errorf("%s %q has finalizers %v", kind.Kind, object.Name, object.Finalizers)
		}
	}
}

// kinds are ours.
func kinds(t *testing.T, c client.Client) []unstructured.Unstructured {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinitionList"})
	if err := c.List(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) == 0 {
		t.Fatal("helm uninstall took the kinds away, and with them everybody's objects")
	}
	return list.Items
}

// gone deletes an object and tells how long it took to go.
func gone(t *testing.T, c client.Client, object client.Object) time.Duration {
	t.Helper()
	started := time.Now()
	if err := c.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); !apierrors.IsNotFound(err) {
			return fmt.Errorf("%T %q is still there: %w", object, object.GetName(), err)
		}
		return nil
	})
	return since(started)
}

func create(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatalf("create %T %q: %v", object, object.GetName(), err)
	}
}
