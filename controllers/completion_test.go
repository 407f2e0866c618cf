package controllers_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestWhatAnotherLeaderHasWrittenIntoASpecStays lets a leader whose watch is late complete objects that
// another one has completed already.
func TestWhatAnotherLeaderHasWrittenIntoASpecStays(t *testing.T) {
	t.Parallel()
	user := gen.AuthUser("bare", func(u *v1alpha1.AuthUser) { u.Spec.Subject = "" })
	g, objects := issuing(func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID, g.Spec.Epoch = "", 0 })
	x := newRoom(t, append(objects, user)...)
	user.Spec.Subject, g.Spec.ID = gen.Subject("written before"), gen.GrantID("written before")
	for _, object := range []client.Object{user, g} {
		if err := x.client.Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := x.users.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(user)}); err != nil {
		t.Errorf("complete the user: %v", err)
	}
	if _, err := x.bring(t, g); err != nil {
		t.Errorf("complete the grant: %v", err)
	}
	for _, object := range []client.Object{user, g} {
		if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			t.Fatal(err)
		}
	}
	if user.Spec.Subject != gen.Subject("written before") || g.Spec.ID != gen.GrantID("written before") {
		t.Errorf("subject %q and id %q were written over", user.Spec.Subject, g.Spec.ID)
	}
}
