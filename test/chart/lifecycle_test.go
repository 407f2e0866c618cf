package chart_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// convergence is how long the control plane may take on a busy machine.
const convergence = time.Minute

// Not parallel, so that it is over, and the release as it was, before the tests that are.
func TestAReleaseIsInstalledUpgradedUninstalledAndInstalledAgain(t *testing.T) {
	installed(t)
	admin := mustConnect(t, cp.Config)
	user := &v1alpha1.AuthUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: "survivor"},
		Spec:       v1alpha1.AuthUserSpec{Scopes: []string{"orders:read"}},
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error { return admin.Create(ctx, user) })
	t.Cleanup(func() { _ = admin.Delete(context.Background(), user) })

	notes := mustHelm(t, "get", "notes", release, "--namespace", operator)
	for _, want := range []string{"serves team-a, team-b", "rollout status deployment/grantkeeper", "grantkeeper-edit"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is not in the notes:\n%s", want, notes)
		}
	}

	mustHelm(t, "upgrade", release, chartDir(t), "--namespace", operator, "--set", "namespaces={"+tenant+"}")
	wantRole(t, admin, tenant, true)
	wantRole(t, admin, second, false)

	mustHelm(t, "uninstall", release, "--namespace", operator)
	wantRole(t, admin, tenant, false)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: operator, Name: release}}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(account), account); !apierrors.IsNotFound(err) {
		t.Errorf("the ServiceAccount after uninstall: %v, want not found", err)
	}
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(user), user); err != nil {
		t.Errorf("the user did not survive: %v", err)
	}

	if err := install(); err != nil {
		t.Fatal(err)
	}
	wantRole(t, admin, second, true)
}

// wantRole says whether the operator may work in a namespace.
func wantRole(t *testing.T, admin client.Client, namespace string, want bool) {
	t.Helper()
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		key := client.ObjectKey{Namespace: namespace, Name: release}
		for _, object := range []client.Object{&rbacv1.Role{}, &rbacv1.RoleBinding{}} {
			err := admin.Get(ctx, key, object)
			if client.IgnoreNotFound(err) != nil {
				return err
			}
			if want != (err == nil) {
				return fmt.Errorf("%T %q: %w, want it there: %t", object, key, errors.Join(err), want)
			}
		}
		return nil
	})
}
