package controllers_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// away is the namespace of grants for users of the room's own.
const away = "team-b"

// crossing is a grant there, with the user and the client of the room who permit it, or do not.
func crossing(permitted bool, mods ...func(*v1alpha1.RefreshTokenGrant)) (*v1alpha1.RefreshTokenGrant, []client.Object) {
	g, objects := issuing(append([]func(*v1alpha1.RefreshTokenGrant){gen.UserIn(gen.Namespace)}, mods...)...)
	gen.In(away, g)
	if permitted {
		gen.UserAllows(gen.ToNames(away))(objects[0].(*v1alpha1.AuthUser))
		gen.ClientAllows(gen.ToNames(away))(objects[1].(*v1alpha1.AuthClient))
	}
	return g, objects
}

// allow changes the user's consent as a person would, and returns the grants that are told.
func (x *room) allow(t *testing.T, allowed *v1alpha1.AllowedGrants) []reconcile.Request {
	t.Helper()
	user := gen.AuthUser("alice")
	if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(user), user); err != nil {
		t.Fatal(err)
	}
	user.Spec.AllowedGrants = allowed
	if err := x.client.Update(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, user)
	return x.grants.Requests(directory.Change{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"})
}

func TestAGrantElsewhereIsDeliveredThereForAsLongAsItIsPermitted(t *testing.T) {
	t.Parallel()
	g, objects := crossing(true)
	x := newRoom(t, objects...)
	x.Directory.MarkRead(away, tenant.Forever)
	before, _ := x.settle(t, g)
	if before.Namespace != away || token(before) == "" {
		t.Fatalf("the token is not in %q", away)
	}
	x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")
	wantNames(t, g, "alice", "billing")
	if _, err := x.Service.Check(t.Context(), gen.Namespace, token(before)); err != nil {
		t.Errorf("check: %v", err)
	}

	told := x.allow(t, nil)
	if want := []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(g)}}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	after, _ := x.settle(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "False/RefNotPermitted")
	x.wantCondition(t, g, v1alpha1.ConditionIssuing, "False/RefNotPermitted")
	wantNames(t, g, "", "")
	wantSame(t, "while it is not permitted", after, before)

	x.allow(t, gen.ToNames(away))
	after, _ = x.settle(t, g)
	x.wantCondition(t, g, v1alpha1.ConditionReady, "True/Issued")
	wantNames(t, g, "alice", "billing")
	wantSame(t, "once it is permitted again", after, before)
	if tries := x.created.Load(); tries != 1 {
		t.Errorf("the Secret was created %d times: it is not looked for where it is", tries)
	}
}

func wantNames(t *testing.T, g *v1alpha1.RefreshTokenGrant, username, clientID string) {
	t.Helper()
	if g.Status.Username != username || g.Status.ClientID != clientID {
		t.Errorf("status tells of %q and %q, want %q and %q", g.Status.Username, g.Status.ClientID, username, clientID)
	}
}

func wantSame(t *testing.T, what string, now, before *corev1.Secret) {
	t.Helper()
	if now.ResourceVersion != before.ResourceVersion || token(now) != token(before) {
		t.Errorf("%s the Secret was written", what)
	}
}

// TestAGrantElsewhereIsNotJudgedBeforeItsUsersAreRead: what cannot be found yet need not be absent.
func TestAGrantElsewhereIsNotJudgedBeforeItsUsersAreRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		permitted bool
		want      string
	}{
		"whoever was permitted may know why nothing is renewed": {true, "False/TenantNotReady"},
		"to whoever never was the user is as good as absent":    {false, "False/RefNotPermitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := crossing(tc.permitted)
			x := newRoom(t, objects...)
			x.Directory.MarkRead(away, tenant.Forever)
			if tc.permitted {
				x.settle(t, g)
			}
			// A new replica has read the grant's namespace, and not yet the user's.
			before, common := g.DeepCopy(), x.common
			common.Directory = directory.New()
			common.Directory.SetTrust(nil)
			common.Directory.MarkRead(away, tenant.Forever)
			common.Directory.Await(gen.Namespace)
			common.Directory.Put(before)
			x.grants = &controllers.RefreshTokenGrants{Common: common, Issuing: x.Service}
			if result, err := x.bring(t, g); err != nil || result != (reconcile.Result{}) {
				t.Errorf("Reconcile: %+v, %v", result, err)
			}
			x.deliver(t, g)
			if diff := cmp.Diff(before.Status, g.Status); diff != "" {
				t.Errorf("the status was written before anything is known (-before +after):\n%s", diff)
			}

			common.Directory.MarkLost(gen.Namespace)
			reading := directory.Change{Kind: directory.Namespaces, Namespace: gen.Namespace, Name: gen.Namespace}
			if told := x.grants.Requests(reading); len(told) != 1 {
				t.Errorf("%d grants are told, want 1", len(told))
			}
			result, err := x.bring(t, g)
			if err != nil {
				t.Errorf("Reconcile: %v", err)
			}
			if again := result.RequeueAfter > 0; again != tc.permitted {
				t.Errorf("it is looked at again: %t; that a namespace is known again need be no change", again)
			}
			x.wantCondition(t, g, v1alpha1.ConditionReady, tc.want)
		})
	}
}

// TestTheVersionOfAKeyIsNotToldWithoutConsent: which refresh keys a tenant has is nobody else's
// business.
func TestTheVersionOfAKeyIsNotToldWithoutConsent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		permitted bool
		want      int32
	}{
		"without": {false, 0},
		"with":    {true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, objects := crossing(tc.permitted, gen.DeliversRefreshToken(), func(g *v1alpha1.RefreshTokenGrant) {
				g.Spec.RefreshToken.KeyVersion = 0
			})
			objects[1].(*v1alpha1.AuthClient).Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantTypeRefreshToken}
			x := newRoom(t, objects...)
			x.Directory.MarkRead(away, tenant.Forever)
			for range 2 {
				x.settle(t, g)
			}
			if got := g.Spec.RefreshToken.KeyVersion; got != tc.want {
				t.Errorf("keyVersion is %d, want %d", got, tc.want)
			}
			if ready := meta.IsStatusConditionTrue(g.Status.Conditions, v1alpha1.ConditionReady); ready != tc.permitted {
				t.Errorf("Ready is %t", ready)
			}
		})
	}
}
