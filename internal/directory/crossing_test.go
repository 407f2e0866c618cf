package directory_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func holdingToken(id string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Status.TokenID = id }
}

func TestAChangeReachesTheGrantsOfOtherNamespaces(t *testing.T) {
	t.Parallel()
	d, _ := filled(
		crossing("of-alice", holdingToken("jti")),
		crossing("of-bob", gen.ForUser("bob"), gen.ForClient("stock")),
		crossing("of-wazo", gen.ForWazo("phone")),
		crossing("of-elsewhere", gen.UserIn("team-c")),
		gen.In(away, gen.RefreshTokenGrant("at-home")),
		gen.RefreshTokenGrant("own"),
	)
	for name, tc := range map[string]struct {
		change directory.Change
		want   []string
	}{
		"a user's":                          {directory.Change{Kind: directory.Users, Namespace: team, Name: "alice"}, []string{"of-alice", "of-wazo"}},
		"a user's of the same name":         {directory.Change{Kind: directory.Users, Namespace: away, Name: "alice"}, nil},
		"a client's":                        {directory.Change{Kind: directory.Clients, Namespace: team, Name: "stock"}, []string{"of-bob"}},
		"a client's that no grant names":    {directory.Change{Kind: directory.Clients, Namespace: team}, nil},
		"a keyring's":                       {directory.Change{Kind: directory.Keyrings, Namespace: team, Name: team}, []string{"of-alice", "of-bob", "of-wazo"}},
		"their tenant's settings'":          {directory.Change{Kind: directory.Tenants, Namespace: team, Name: "tenant"}, []string{"of-alice", "of-bob", "of-wazo"}},
		"the keyring's of their namespace":  {directory.Change{Kind: directory.Keyrings, Namespace: away, Name: away}, nil},
		"the labels' of their namespace":    {directory.Change{Kind: directory.Namespaces, Namespace: away, Name: away}, []string{"of-alice", "of-bob", "of-elsewhere", "of-wazo"}},
		"their users' namespace's":          {directory.Change{Kind: directory.Namespaces, Namespace: "team-c", Name: "team-c"}, []string{"of-elsewhere"}},
		"a Secret's of their users' tenant": {directory.Change{Kind: directory.Secrets, Namespace: team, Name: "of-alice-token"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, g := range d.CrossingGrants(tc.change) {
				got = append(got, g.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAGrantThatIsMadeAgainCrossesNoMore: one that is deleted and made again may come as one change.
func TestAGrantThatIsMadeAgainCrossesNoMore(t *testing.T) {
	t.Parallel()
	ofAlice := directory.Change{Kind: directory.Users, Namespace: team, Name: "alice"}
	for name, change := range map[string]func(*directory.Directory){
		"made for a user of its own namespace":  func(d *directory.Directory) { d.Put(gen.In(away, gen.RefreshTokenGrant("grant"))) },
		"made for a user of a third namespace":  func(d *directory.Directory) { d.Put(crossing("grant", gen.UserIn("team-c"))) },
		"made for another user":                 func(d *directory.Directory) { d.Put(crossing("grant", gen.ForUser("bob"))) },
		"deleted":                               func(d *directory.Directory) { d.Remove(crossing("grant")) },
		"made to name its own namespace itself": func(d *directory.Directory) { d.Put(crossing("grant", gen.UserIn(away))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := filled(crossing("grant"))
			if held := d.CrossingGrants(ofAlice); len(held) != 1 {
				t.Fatalf("%d grants cross, want 1", len(held))
			}
			change(d)
			if held := d.CrossingGrants(ofAlice); len(held) != 0 {
				t.Errorf("%d grants still cross", len(held))
			}
		})
	}
}

// TestGrantsOfOtherTenantsAreNoRowsOfThisOne: neither does a grant here for a user elsewhere pass for
// one of the user of that name here, nor one elsewhere for one of this namespace.
func TestGrantsOfOtherTenantsAreNoRowsOfThisOne(t *testing.T) {
	t.Parallel()
	made := gen.FromLogin(start, "")
	_, tenant := filled(
		gen.RefreshTokenGrant("leaving", gen.UserIn("team-c"), made),
		crossing("arriving", made),
		gen.RefreshTokenGrant("own", made),
	)
	if diff := cmp.Diff([]string{"own"}, tenant.GrantsOfUser("alice")); diff != "" {
		t.Errorf("grants of the user (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"own"}, tenant.GrantsOfClient("billing")); diff != "" {
		t.Errorf("grants of the client (-want +got):\n%s", diff)
	}
	held := tenant.EndpointGrants(gen.Subject("alice"))
	if len(held) != 1 || held[0].Name != "own" {
		t.Errorf("%d grants count as the endpoint's, want the one that can be", len(held))
	}
	if held, ok := tenant.GrantByID(gen.GrantID("arriving")); ok {
		t.Errorf("the id of %s/%s is found here", held.Namespace, held.Name)
	}
}

// TestAnIDOfAnotherNamespaceIsNobodysDuplicate: to choose the id of somebody else's grant is in
// nobody's way, in either direction.
func TestAnIDOfAnotherNamespaceIsNobodysDuplicate(t *testing.T) {
	t.Parallel()
	sameID := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = gen.GrantID("own") }
	incumbent := func(g *v1alpha1.RefreshTokenGrant) {
		g.Status.Revision, g.CreationTimestamp = 9, metav1.NewTime(start.AddDate(-1, 0, 0))
	}
	d, tenant := filled(gen.RefreshTokenGrant("own"), crossing("thief", sameID, incumbent))
	thief, _ := mustTenant(t, d, away).Grant("thief")
	own, _ := tenant.Grant("own")
	for _, g := range []*directory.Grant{thief, own} {
		if holder, duplicate := tenant.GrantDuplicate(g); duplicate {
			t.Errorf("%s/%s is a duplicate of %q", g.Namespace, g.Name, holder)
		}
	}
	if held, _ := tenant.GrantByID(gen.GrantID("own")); held != own {
		t.Errorf("the id is held by %s/%s", held.Namespace, held.Name)
	}
	// Within one namespace there is one holder, whosever user it is.
	d.Put(gen.In(away, gen.RefreshTokenGrant("second", sameID)))
	second, _ := mustTenant(t, d, away).Grant("second")
	if holder, duplicate := mustTenant(t, d, away).GrantDuplicate(second); !duplicate || holder != "thief" {
		t.Errorf("the second is held off by %q (%t)", holder, duplicate)
	}
}

func mustTenant(t *testing.T, d *directory.Directory, namespace string) *directory.Tenant {
	t.Helper()
	tenant, ok := d.Tenant(namespace)
	if !ok {
		t.Fatalf("there is no tenant %q", namespace)
	}
	return tenant
}

// TestWhatBecomesOfATokenIsToldToItsGrantElsewhere: sessions and revocations are in the tenant, the
// grant is not.
func TestWhatBecomesOfATokenIsToldToItsGrantElsewhere(t *testing.T) {
	t.Parallel()
	session := &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "digest"}}
	session.Spec.GrantID, session.Spec.GrantNamespace = gen.GrantID("grant"), away
	d, tenant := filled(crossing("grant", holdingToken(gen.Subject("token"))), session)
	if sessions := tenant.SessionsOfGrant(gen.GrantID("grant")); len(sessions) != 0 {
		t.Error("the session passes for one of a grant in the tenant itself")
	}
	var heard []directory.Change
	unsubscribe := d.Subscribe(func(c directory.Change) { heard = append(heard, c) })
	defer unsubscribe()
	ofGrant := directory.Change{Kind: directory.Grants, Namespace: away, Name: "grant"}
	for name, tc := range map[string]struct {
		change func()
		want   []directory.Change
	}{
		"its session": {
			func() { d.Remove(session) },
			[]directory.Change{{Kind: directory.Sessions, Namespace: team, Name: "digest"}, ofGrant},
		},
		"its revocation": {
			func() { d.Put(gen.TokenRevocation(gen.Subject("token"), start)) },
			[]directory.Change{{Kind: directory.Revocations, Namespace: team, Name: gen.Subject("token")}, ofGrant},
		},
		"a revocation of that name in its own namespace": {
			func() { d.Put(gen.In(away, gen.TokenRevocation(gen.Subject("other"), start))) },
			[]directory.Change{{Kind: directory.Revocations, Namespace: away, Name: gen.Subject("other")}},
		},
	} {
		heard = nil
		tc.change()
		if diff := cmp.Diff(tc.want, heard); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestANamespaceIsTheOneThatWasSeenLast(t *testing.T) {
	t.Parallel()
	d := directory.New()
	var heard int
	unsubscribe := d.Subscribe(func(directory.Change) { heard++ })
	defer unsubscribe()
	seen := func(uid types.UID) func() {
		return func() { d.Put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team, UID: uid}}) }
	}
	gone := func() { d.Remove(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team}}) }
	for i, tc := range []struct {
		happens func()
		want    types.UID
		heard   int
	}{
		{func() {}, "", 0}, {seen("one"), "one", 1}, {seen("one"), "one", 1}, {seen("two"), "two", 2}, {gone, "", 3}, {seen("two"), "two", 4},
	} {
		tc.happens()
		if uid, known := d.NamespaceUID(team); uid != tc.want || known != (tc.want != "") || heard != tc.heard {
			t.Errorf("step %d: uid %q (%t), told %d times; want %q and %d", i, uid, known, heard, tc.want, tc.heard)
		}
	}
	if _, ok := d.Tenant(team); ok {
		t.Error("a namespace alone is a tenant")
	}
}

func TestSubscribersHearWhetherANamespaceCanBeRead(t *testing.T) {
	t.Parallel()
	d := directory.New()
	var heard int
	unsubscribe := d.Subscribe(func(c directory.Change) {
		if c == (directory.Change{Kind: directory.Namespaces, Namespace: team, Name: team}) {
			heard++
		}
	})
	defer unsubscribe()
	want := func(watched, awaited bool, changes int) {
		t.Helper()
		if d.IsWatched(team) != watched || d.IsAwaited(team) != awaited || heard != changes {
			t.Errorf("watched %t, awaited %t, told %d times; want %t, %t and %d", d.IsWatched(team), d.IsAwaited(team), heard, watched, awaited, changes)
		}
	}
	want(false, false, 0)
	d.Await(team)
	want(true, true, 0)
	d.MarkLost(team)
	want(true, false, 1)
	d.MarkRead(team, start)
	want(true, false, 2)
	d.MarkRead(team, start.Add(time.Hour)) // as it is said again and again
	want(true, false, 2)
	d.Put(gen.LabelledNamespace(team, map[string]string{"trust": "orders"}))
	want(true, false, 3)
	d.Put(gen.LabelledNamespace(team, map[string]string{"trust": "orders"}))
	want(true, false, 3) // nothing that anybody asks about has changed
	if d.IsWatched(away) {
		t.Error("another namespace is watched with it")
	}
	d.Await("")
	if !d.IsWatched(away) || !d.IsAwaited(away) || d.IsAwaited(team) {
		t.Error("all namespaces are awaited, but for the one that was read")
	}
	d.MarkRead("", start)
	if d.IsAwaited(away) {
		t.Error("all namespaces were read, but not this one")
	}
}
