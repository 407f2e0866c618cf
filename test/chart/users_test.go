package chart_test

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// The release that lets users be managed over HTTP.
var managing = ownRelease{
	name: "managing-grantkeeper", namespace: "managing-system", tenant: "managed-users",
	enabled: "userManagement.enabled",
	allows:  map[string]string{"authusers.auth.grantkeeper.dev": "create delete get list patch watch"},
}

// ofEndpoint labels a user as the endpoint does.
func ofEndpoint(u *v1alpha1.AuthUser) {
	u.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}
}

func TestTheOperatorWritesItsOwnUsersAlone(t *testing.T) {
	t.Parallel()
	operator, admin := managing.install(t), mustConnect(t, cp.Config)
	applied := gen.In(managing.tenant, gen.AuthUser("applied", gen.UserScopes("orders:*")))
	pending := gen.In(managing.tenant, gen.AuthUser("pending"))
	pending.Spec.Subject = ""
	for _, user := range []*v1alpha1.AuthUser{applied, pending} {
		if err := admin.Create(t.Context(), user); err != nil {
			t.Fatal(err)
		}
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		err := operator.Create(ctx, gen.In(managing.tenant, gen.AuthUser("unlabelled")), client.DryRunAll)
		if err == nil {
			return errors.New("the policy is not in force yet")
		}
		if !apierrors.IsForbidden(err) {
			return err
		}
		return nil
	})
	own := gen.In(managing.tenant, gen.AuthUser("own", ofEndpoint))
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
			return operator.Create(ctx, gen.In(managing.tenant, gen.AuthUser("new", ofEndpoint, gen.UserScopes("#"))), client.DryRunAll)
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
