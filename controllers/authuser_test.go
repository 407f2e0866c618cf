package controllers_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// A restore brings the Secret of a password over HTTP back without its owner, and the operator puts that
// back. A Secret that a person gave a user stays as it is.
func TestAPasswordOverHTTPGoesWithItsUser(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for name, tc := range map[string]struct {
		annotation string
		owned      bool
	}{
		"its own":                        {gen.Subject("alice"), true},
		"another user's":                 {gen.Subject("bob"), false},
		"one that a person has provided": {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user, secret := gen.AuthUser("alice", gen.PasswordHash()), gen.PasswordSecret("alice", hash)
			user.UID = types.UID("the uid after a restore")
			if tc.annotation != "" {
				secret.Annotations = map[string]string{v1alpha1.AnnotationPasswordOf: tc.annotation}
			}
			x := newRoom(t, user, secret)
			for range 2 { // the second time there is nothing to do
				if _, err := x.users.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(user)}); err != nil {
					t.Fatal(err)
				}
				x.deliver(t, secret)
				x.deliver(t, user)
			}
			var want []metav1.OwnerReference
			if tc.owned {
				want = []metav1.OwnerReference{{
					APIVersion: v1alpha1.GroupVersion.String(), Kind: "AuthUser", Name: user.Name, UID: user.UID, BlockOwnerDeletion: new(false),
				}}
			}
			if diff := cmp.Diff(want, secret.OwnerReferences); diff != "" {
				t.Error(diff)
			}
			if updates := x.updated.Load(); updates != int64(len(want)) || string(secret.Data[v1alpha1.KeyPassword]) != hash {
				t.Errorf("%d updates of the Secret, which holds %q", updates, secret.Data)
			}
		})
	}
}
