package accounts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// apply applies a user as GitOps does, and gives it as it is there.
func (x *replica) apply(t *testing.T, labels map[string]any) *v1alpha1.AuthUser {
	t.Helper()
	u := gen.In(x.Namespace, gen.AuthUser("alice"))
	config := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "AuthUser",
		"metadata": map[string]any{"namespace": u.Namespace, "name": u.Name, "labels": labels},
		"spec":     map[string]any{"subject": u.Spec.Subject},
	}}
	if err := x.Client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(config), client.FieldOwner("flux")); err != nil {
		t.Fatal(err)
	}
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(u), u); err != nil {
		t.Fatal(err)
	}
	x.AwaitVersion(t, u)
	return u
}

// What a person applies is a person's, even where it says that it is the endpoint's.
func TestUsersWhomAPersonApplied(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *replica) *v1alpha1.AuthUser{
		"created": func(t *testing.T, x *replica) *v1alpha1.AuthUser {
			t.Helper()
			u := gen.AuthUser("alice", gen.Password())
			x.Create(t, u)
			return u
		},
		"applied": func(t *testing.T, x *replica) *v1alpha1.AuthUser {
			t.Helper()
			return x.apply(t, nil)
		},
		"applied under the endpoint's label": func(t *testing.T, x *replica) *v1alpha1.AuthUser {
			t.Helper()
			return x.apply(t, map[string]any{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper})
		},
		"applied after it was made": func(t *testing.T, x *replica) *v1alpha1.AuthUser {
			t.Helper()
			u := x.object(t, x.create(t, loggingIn("alice", password)))
			u.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}"}
			x.Update(t, u)
			return u
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			applied := begin(t, x)
			alice, err := x.Accounts.User(t.Context(), x.Namespace, applied.Spec.Subject)
			if err != nil {
				t.Fatal(err)
			}
			_, err = x.Accounts.Replace(t.Context(), x.request(), alice.Subject(), accounts.Profile{Username: "x"})
			wantRefusal(t, err, managed)
			wantRefusal(t, x.Accounts.Delete(t.Context(), x.request(), alice.Subject()), managed)
			wantRefusal(t, x.changePassword(t.Context(), alice, password, another), passwordManaged)
			if diff := cmp.Diff(applied, x.object(t, alice)); diff != "" {
				t.Errorf("the user (-before +after):\n%s", diff)
			}
		})
	}
}

// A password is changed where the endpoint made it, and nowhere else.
func TestPasswordsThatAPersonProvides(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(*testing.T, *replica, *v1alpha1.AuthUser){
		"of which there is none": func(t *testing.T, x *replica, u *v1alpha1.AuthUser) {
			t.Helper()
			u.Spec.Password = nil
			x.Update(t, u)
		},
		"which a person has put into another Secret": func(t *testing.T, x *replica, u *v1alpha1.AuthUser) {
			t.Helper()
			x.Create(t, gen.PasswordSecret("alice", password))
			u.Spec.Password = gen.AuthUser("alice", gen.Password()).Spec.Password
			x.Update(t, u)
		},
		"which is under another key than the endpoint's": func(t *testing.T, x *replica, u *v1alpha1.AuthUser) {
			t.Helper()
			u.Spec.Password.HashSecretRef.Key = "hash"
			x.Update(t, u)
		},
		"whose Secret a person has made anew": func(t *testing.T, x *replica, u *v1alpha1.AuthUser) {
			t.Helper()
			secret := x.secret(t, u)
			x.Delete(t, secret)
			x.Create(t, gen.InputSecret(secret.Name, v1alpha1.KeyPassword, string(secret.Data[v1alpha1.KeyPassword])))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t)
			carol := x.create(t, loggingIn("carol", password))
			take(t, x, x.object(t, carol))
			wantRefusal(t, x.changePassword(t.Context(), carol, password, another), passwordManaged)
		})
	}
}
