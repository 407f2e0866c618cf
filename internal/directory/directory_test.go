package directory_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

const (
	team    = "team-a"
	subject = "6f1c0000-0000-4000-8000-000000000001"
	other   = "6f1c0000-0000-4000-8000-000000000002"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func user(name string, created time.Time, change func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
	u := &v1alpha1.AuthUser{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: name, CreationTimestamp: metav1.NewTime(created)}}
	u.Spec.Subject = subject
	if change != nil {
		change(u)
	}
	return u
}

func filled(objects ...client.Object) (*directory.Directory, *directory.Tenant) {
	d := directory.New()
	for _, object := range objects {
		d.Put(object)
	}
	t, _ := d.Tenant(team)
	return d, t
}

func TestALoginIsHeldByOneUser(t *testing.T) {
	t.Parallel()
	named := func(username, subject string, heldBefore bool) func(*v1alpha1.AuthUser) {
		return func(u *v1alpha1.AuthUser) {
			u.Spec.Username, u.Spec.Subject = username, subject
			if heldBefore {
				u.Status.Username = username
			}
		}
	}
	for name, tc := range map[string]struct {
		users      []client.Object
		wantHolder string
		wantReason map[string]string
	}{
		"the older object holds a contested username, whatever its case": {
			users: []client.Object{
				user("young", start.Add(time.Hour), named("Alice", other, false)),
				user("old", start, named("alice", subject, false)),
			},
			wantHolder: "old",
			wantReason: map[string]string{"old": "", "young": v1alpha1.ReasonDuplicateLogin},
		},
		"an incumbent keeps the name that an older object wants later": {
			users: []client.Object{
				user("old", start, named("alice", other, false)),
				user("young", start.Add(time.Hour), named("alice", subject, true)),
			},
			wantHolder: "young",
			wantReason: map[string]string{"old": v1alpha1.ReasonDuplicateLogin, "young": ""},
		},
		"of two made in one second the smaller name holds it": {
			users: []client.Object{
				user("b", start, named("alice", subject, false)),
				user("a", start, named("alice", other, false)),
			},
			wantHolder: "a",
			wantReason: map[string]string{"a": "", "b": v1alpha1.ReasonDuplicateLogin},
		},
		"an e-mail address and a username are one space": {
			users: []client.Object{
				user("old", start, func(u *v1alpha1.AuthUser) { u.Spec.Emails = []v1alpha1.Email{{Address: "ALICE"}} }),
				user("young", start.Add(time.Hour), named("alice", other, false)),
			},
			wantHolder: "old",
			wantReason: map[string]string{"old": "", "young": v1alpha1.ReasonDuplicateLogin},
		},
		"a subject is held by the older object": {
			users: []client.Object{
				user("old", start, named("alice", subject, false)),
				user("young", start.Add(time.Hour), named("bob", subject, false)),
			},
			wantHolder: "old",
			wantReason: map[string]string{"old": "", "young": v1alpha1.ReasonDuplicateSubject},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, tenant := filled(tc.users...)
			holder, ok := tenant.UserByLogin("aLiCe")
			if !ok || holder.Name != tc.wantHolder {
				t.Errorf("the login is held by %v, want %q", holder, tc.wantHolder)
			}
			for name, want := range tc.wantReason {
				u, _ := tenant.User(name)
				if got := tenant.UserStanding(u, start); got.Reason != want {
					t.Errorf("standing of %q is %q (%s), want %q", name, got.Reason, got.Message, want)
				}
			}
		})
	}
}

func TestADuplicateLoginNamesItsField(t *testing.T) {
	t.Parallel()
	_, tenant := filled(
		user("old", start, func(u *v1alpha1.AuthUser) { u.Spec.Username = "carol" }),
		user("young", start.Add(time.Hour), func(u *v1alpha1.AuthUser) {
			u.Spec.Username, u.Spec.Subject = "zoe", other
			u.Spec.Emails = []v1alpha1.Email{{Address: "zoe"}, {Address: "bob"}, {Address: "Carol"}}
		}),
	)
	u, _ := tenant.User("young")
	want := directory.NewStanding(v1alpha1.ReasonDuplicateLogin, "spec.emails: %q is held by AuthUser %q", "Carol", "old")
	if diff := cmp.Diff(want, tenant.UserStanding(u, start)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"zoe", "zoe", "bob", "carol"}, u.Logins()); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
}

func TestUserStanding(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*v1alpha1.AuthUser)
		want   string
	}{
		"a plain user may be acted for":                    {nil, ""},
		"a user without a subject is not ready yet":        {func(u *v1alpha1.AuthUser) { u.Spec.Subject = "" }, v1alpha1.ReasonPending},
		"a disabled user may not":                          {func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateDisabled }, v1alpha1.ReasonDisabled},
		"a user whose time is up may not":                  {func(u *v1alpha1.AuthUser) { u.Spec.ExpiresAt = &metav1.Time{Time: start} }, v1alpha1.ReasonExpired},
		"a user whose time is to come may":                 {func(u *v1alpha1.AuthUser) { u.Spec.ExpiresAt = &metav1.Time{Time: start.Add(1)} }, ""},
		"scopes that do not compile make the spec invalid": {func(u *v1alpha1.AuthUser) { u.Spec.Scopes = []string{""} }, v1alpha1.ReasonInvalidSpec},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, tenant := filled(user("alice", start, tc.change))
			u, _ := tenant.User("alice")
			if got := tenant.UserStanding(u, start); got.Reason != tc.want {
				t.Errorf("got %q (%s), want %q", got.Reason, got.Message, tc.want)
			}
		})
	}
}

func TestSubscribersHearOfAllThatAChangeConcerns(t *testing.T) {
	t.Parallel()
	first := user("first", start, func(u *v1alpha1.AuthUser) { u.Spec.Username = "alice" })
	second := user("second", start.Add(time.Hour), func(u *v1alpha1.AuthUser) {
		u.Spec.Username, u.Spec.Subject = "alice", other
	})
	d, _ := filled(first)

	var mu sync.Mutex
	var heard []directory.Change
	unsubscribe := d.Subscribe(func(c directory.Change) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, c)
	})
	change := func(kind directory.Kind, name string) directory.Change {
		return directory.Change{Kind: kind, Namespace: team, Name: name}
	}
	expect := func(what string, want ...directory.Change) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		less := func(a, b directory.Change) bool { return string(a.Kind)+a.Name < string(b.Kind)+b.Name }
		if diff := cmp.Diff(want, heard, cmpopts.SortSlices(less)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		heard = nil
	}
	expect("what is there already", change(directory.Keyrings, team), change(directory.Users, "first"))
	d.Put(second)
	expect("a second claimant", change(directory.Users, "second"), change(directory.Users, "first"))
	d.Remove(first)
	expect("the holder is gone", change(directory.Users, "first"), change(directory.Users, "second"))
	unsubscribe()
	d.Remove(second)
	expect("after the end of the subscription")
}

// TestTheRemovalOfAnEarlierObjectLeavesTheLaterOneOfItsName: a replica that deletes an object says so itself,
// and by then the watch may have brought another one.
func TestTheRemovalOfAnEarlierObjectLeavesTheLaterOneOfItsName(t *testing.T) {
	t.Parallel()
	for kind, object := range map[directory.Kind]client.Object{
		directory.Users:       gen.AuthUser("same"),
		directory.Clients:     gen.AuthClient("same"),
		directory.Grants:      gen.RefreshTokenGrant("same"),
		directory.Sessions:    &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: gen.Namespace, Name: "same"}},
		directory.Revocations: gen.TokenRevocation("same", start),
		directory.Secrets:     gen.PasswordSecret("same", "open sesame"),
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			of := func(uid types.UID) client.Object {
				one := object.DeepCopyObject().(client.Object)
				one.SetUID(uid)
				return one
			}
			d := directory.New()
			count := func() int {
				tenant, _ := d.Tenant(gen.Namespace)
				return tenant.Counts()[kind]
			}
			d.Put(of("first"))
			d.Remove(of("first"))
			d.Put(of("second"))
			d.Remove(of("first"))
			if count() != 1 {
				t.Error("the later object is gone")
			}
			d.Remove(of("second"))
			if count() != 0 {
				t.Error("the later object is there after its own removal")
			}
			d.Put(of("")) // told before it was written
			d.Remove(of("third"))
			if count() != 0 {
				t.Error("what was told outlives what was written")
			}
		})
	}
}

func TestASessionsGrantHearsOfItsEnd(t *testing.T) {
	t.Parallel()
	const id = "353fefa1-0000-4000-8000-000000000001"
	grant := &v1alpha1.RefreshTokenGrant{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "billing"}}
	grant.Spec.ID = id
	session := &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "digest"}}
	session.Spec.GrantID = id
	d, _ := filled(grant, session)
	var heard []directory.Change
	unsubscribe := d.Subscribe(func(c directory.Change) { heard = append(heard, c) })
	defer unsubscribe()
	heard = nil
	d.Remove(session)
	want := []directory.Change{{Kind: directory.Sessions, Namespace: team, Name: "digest"}, {Kind: directory.Grants, Namespace: team, Name: "billing"}}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func TestTheGrantsOfAWorkloadAreThoseThatNameItNow(t *testing.T) {
	t.Parallel()
	restarting := func(kind v1alpha1.WorkloadKind, name string) func(*v1alpha1.RefreshTokenGrant) {
		return func(g *v1alpha1.RefreshTokenGrant) {
			g.Spec.RolloutRestart = &v1alpha1.RolloutRestart{Targets: []v1alpha1.WorkloadReference{{Kind: kind, Name: name}}}
		}
	}
	d := directory.New()
	for _, g := range []*v1alpha1.RefreshTokenGrant{
		gen.RefreshTokenGrant("b", restarting(v1alpha1.WorkloadKindDeployment, "billing")),
		gen.RefreshTokenGrant("a", restarting(v1alpha1.WorkloadKindDeployment, "billing")),
		gen.RefreshTokenGrant("c", restarting(v1alpha1.WorkloadKindStatefulSet, "billing")),
		gen.RefreshTokenGrant("d"),
	} {
		d.Put(g)
	}
	d.Put(gen.RefreshTokenGrant("b"))
	tenant, _ := d.Tenant(gen.Namespace)
	grants := tenant.GrantsOfWorkload(v1alpha1.WorkloadKindDeployment, "billing")
	if len(grants) != 1 || grants[0].Name != "a" {
		t.Errorf("%d grants, want a alone", len(grants))
	}
}
