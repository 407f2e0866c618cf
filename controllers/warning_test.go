package controllers_test

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestWhatAPersonHasToMendIsAWarningOnce reconciles each object again and again, and once before its status
// can be written.
func TestWhatAPersonHasToMendIsAWarningOnce(t *testing.T) {
	t.Parallel()
	user := func(x *room) reconcile.Reconciler { return x.users }
	ofClients := func(x *room) reconcile.Reconciler { return &controllers.AuthClients{Common: x.common} }
	grant := func(x *room) reconcile.Reconciler { return x.grants }
	narrow := gen.RefreshTokenGrant("grant", gen.Target("token"), gen.GrantScopes("orders:read"))
	for name, tc := range map[string]struct {
		object  client.Object
		beside  []client.Object
		brought func(*room) reconcile.Reconciler
		want    string // how the one Event begins; absent: there is none
	}{
		"a user whose Secret is absent":   {object: gen.AuthUser("alice", gen.Password()), brought: user, want: `Warning SecretNotFound spec.password.secretRef: `},
		"a client whose Secret is absent": {object: gen.AuthClient("billing"), brought: ofClients, want: `Warning SecretNotFound spec.secret.secretRef: `},
		"a grant of nobody":               {object: gen.RefreshTokenGrant("grant"), brought: grant, want: `Warning RefNotFound spec.userRef: AuthUser "alice" does not exist; `},
		"a grant that is suspended":       {object: gen.RefreshTokenGrant("grant", gen.GrantState(v1alpha1.GrantStateSuspended)), brought: grant},
		"a grant of a disabled user": {
			object: gen.RefreshTokenGrant("grant"), beside: []client.Object{gen.AuthUser("alice", gen.Disabled()), gen.AuthClient("billing")}, brought: grant,
		},
		"a login of nobody": {object: login(day), brought: grant},
		"a grant that is good": {
			object:  narrow,
			beside:  []client.Object{gen.AuthUser("alice", gen.UserScopes("orders:*")), gen.AuthClient("billing", gen.ClientScopes("orders:*"))},
			brought: grant,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newRoom(t, append(tc.beside, tc.object)...)
			reconciler := tc.brought(x)
			request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(tc.object)}
			x.statusApplies = internalError
			if _, err := reconciler.Reconcile(t.Context(), request); err == nil {
				t.Error("Reconcile hides that the status was not written")
			}
			x.statusApplies = nil
			for range 3 {
				if _, err := reconciler.Reconcile(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				x.deliver(t, tc.object)
				x.Clock.Step(time.Minute)
			}
			if told := len(x.events.Events); (told == 1) != (tc.want != "") || told > 1 {
				t.Fatalf("%d Events", told)
			}
			if tc.want == "" {
				return
			}
			if event := <-x.events.Events; !strings.HasPrefix(event, tc.want) {
				t.Errorf("the Event is %q, want %q", event, tc.want)
			}
		})
	}
}
