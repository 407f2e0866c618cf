package chart_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// A release of its own lets users be managed over HTTP.
const (
	managing          = "managing-grantkeeper"
	managingNamespace = "managing-system"
	managedTenant     = "managed-users"
)

// installManaging installs the release and connects as its operator.
func installManaging(t *testing.T) client.Client {
	t.Helper()
	installed(t)
	admin := mustConnect(t, cp.Config)
	if err := admin.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: managedTenant}}); err != nil {
		t.Fatal(err)
	}
	mustHelm(t, "install", managing, chartDir(t), "--namespace", managingNamespace, "--create-namespace",
		"--set", "namespaces={"+managedTenant+"},crds.enabled=false,userManagement.enabled=true")
	t.Cleanup(func() { mustHelm(t, "uninstall", managing, "--namespace", managingNamespace) })
	config, err := cp.ServiceAccountConfig(t.Context(), managingNamespace, managing)
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(everywhere)
	maps.Copy(want, inTenant)
	delete(want, "namespaces "+tenant)
	want["namespaces "+managedTenant] = "get list watch"
	want["authusers.auth.grantkeeper.dev"] = "create delete get list patch watch"
	wantRules(t, config, managedTenant, want)
	return mustConnect(t, config)
}

// ofEndpoint labels a user as the endpoint does.
func ofEndpoint(u *v1alpha1.AuthUser) {
	u.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}
}

func TestTheOperatorWritesItsOwnUsersAlone(t *testing.T) {
	t.Parallel()
	operator, admin := installManaging(t), mustConnect(t, cp.Config)
	applied := gen.In(managedTenant, gen.AuthUser("applied", gen.UserScopes("orders:*")))
	pending := gen.In(managedTenant, gen.AuthUser("pending"))
	pending.Spec.Subject = ""
	for _, user := range []*v1alpha1.AuthUser{applied, pending} {
		if err := admin.Create(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		err := operator.Create(ctx, gen.In(managedTenant, gen.AuthUser("unlabelled")), client.DryRunAll)
		if err == nil {
			return errors.New("the policy is not in force yet")
		}
		if !apierrors.IsForbidden(err) {
			return err
		}
		return nil
	})
	own := gen.In(managedTenant, gen.AuthUser("own", ofEndpoint))
	if err := operator.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	update := func(of *v1alpha1.AuthUser, change func(*v1alpha1.AuthUser)) func(context.Context) error {
		changed := of.DeepCopy()
		change(changed)
		return func(ctx context.Context) error {
			return operator.Patch(ctx, changed.DeepCopy(), client.MergeFrom(of), client.DryRunAll)
		}
	}
	rename := func(u *v1alpha1.AuthUser) { u.Spec.Username, u.Spec.State = "another", v1alpha1.UserStateDisabled }
	for name, tc := range map[string]struct {
		act     func(context.Context) error
		allowed bool
	}{
		"it renames and disables one of its own":            {update(own, rename), true},
		"it gives one of its own no scopes":                 {update(own, gen.UserScopes("#")), false},
		"it moves no password of its own":                   {update(own, gen.PasswordHash()), false},
		"it renames no other":                               {update(applied, rename), false},
		"it takes no scopes from another":                   {update(applied, gen.UserScopes()), false},
		"it makes no other its own":                         {update(applied, func(u *v1alpha1.AuthUser) { ofEndpoint(u); rename(u) }), false},
		"it makes no other its own to change it afterwards": {update(applied, ofEndpoint), false},
		"it lets none of its own go":                        {update(own, func(u *v1alpha1.AuthUser) { u.Labels = nil }), false},
		"it writes the subject of another":                  {update(pending, func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject("pending") }), true},
		"it makes none with scopes": {func(ctx context.Context) error {
			return operator.Create(ctx, gen.In(managedTenant, gen.AuthUser("new", ofEndpoint, gen.UserScopes("#"))), client.DryRunAll)
		}, false},
		"it deletes one of its own": {func(ctx context.Context) error { return operator.Delete(ctx, own, client.DryRunAll) }, true},
		"it deletes no other":       {func(ctx context.Context) error { return operator.Delete(ctx, applied, client.DryRunAll) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tc.act(t.Context())
			if tc.allowed && err != nil || !tc.allowed && !apierrors.IsForbidden(err) {
				t.Errorf("allowed is %t, want %t: %v", err == nil, tc.allowed, err)
			}
		})
	}
}

func TestWithoutUserManagementThereIsNoPolicyAboutUsers(t *testing.T) {
	t.Parallel()
	for _, object := range render(t, "--set", "namespaces={team-a}") {
		if object.GetName() == "grantkeeper-user-management" {
			t.Errorf("%s %q", object.GetKind(), object.GetName())
		}
	}
}
