package controllers_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// look stands for all sessions.
var look = controllers.Sweepable{Kind: directory.Sessions, Namespace: gen.Namespace}

// manySessions lets the room know sessions that are like one and have UIDs of their own.
func manySessions(x *room, many int, like *v1alpha1.AuthSession) {
	for i := range many {
		s := like.DeepCopy()
		s.Name = fmt.Sprintf("session-%d", i)
		s.UID = types.UID(s.Name)
		x.Put(s)
	}
}

// forgetDeleted lets the room know which sessions were deleted, as a watch does, and counts them all.
func (x *room) forgetDeleted() int {
	gone := map[types.UID]bool{}
	for _, uid := range x.deleted {
		gone[uid] = true
		if session, ok := x.session(string(uid)); ok {
			x.Remove(session)
		}
	}
	return len(gone)
}

func (x *room) session(name string) (*v1alpha1.AuthSession, bool) {
	t, _ := x.Directory.Tenant(gen.Namespace)
	return t.Session(name)
}

// TestManySessionsThatEndTogetherAreNotSweptTogether runs the sweeper's own timers against thousands of
// sessions that end in one second.
func TestManySessionsThatEndTogetherAreNotSweptTogether(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		session *v1alpha1.AuthSession
		others  []client.Object
	}{
		"by expiry":                 {session(tenant.Start), []client.Object{gen.AuthUser("alice")}},
		"because they are nobody's": {session(tenant.Start.Add(day)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sweepMany(t, newRoom(t, tc.others...), tc.session)
		})
	}
}

func sweepMany(t *testing.T, x *room, like *v1alpha1.AuthSession) {
	t.Helper()
	const many, mostPerSecond = 3000, 70 // fifty, and a burst of twenty
	manySessions(x, many, like)
	sweeper := &controllers.Sweeper{Common: x.common}
	for second := 0; x.forgetDeleted() < many; second++ {
		if second > 10*60 {
			t.Fatalf("%d sessions are deleted after ten minutes, want %d", len(x.deleted), many)
		}
		before, end := len(x.deleted), x.Clock.Now().Add(time.Second)
		for x.Clock.Now().Before(end) {
			x.Clock.Step(min(end.Sub(x.Clock.Now()), x.lookThrough(t, sweeper)))
		}
		if swept := len(x.deleted) - before; swept > mostPerSecond {
			t.Fatalf("%d sessions were swept in second %d", swept, second)
		}
	}
	if len(x.deleted) != many {
		t.Errorf("%d deletions for %d sessions", len(x.deleted), many)
	}
}

// lookThrough lets a sweeper look through the sessions, and tells when it does so again.
func (x *room) lookThrough(t *testing.T, sweeper *controllers.Sweeper) time.Duration {
	t.Helper()
	result, err := sweeper.Reconcile(t.Context(), look)
	if err != nil {
		t.Fatal(err)
	}
	x.forgetDeleted()
	if result.RequeueAfter <= 0 || result.RequeueAfter > maxPoll {
		t.Fatalf("it looks again after %s", result.RequeueAfter)
	}
	return result.RequeueAfter
}

// TestSessionsWhoseUserComesBackKeepNoTurns: when they expire, they are as many as all others that do.
func TestSessionsWhoseUserComesBackKeepNoTurns(t *testing.T) {
	t.Parallel()
	const many, burst = 1000, 20
	x := newRoom(t)
	manySessions(x, many, session(tenant.Start.Add(time.Hour)))
	sweeper := &controllers.Sweeper{Common: x.common}
	x.lookThrough(t, sweeper)
	x.Put(gen.AuthUser("alice"))
	x.Clock.Step(time.Hour)
	for x.forgetDeleted() < many {
		before := len(x.deleted)
		again := x.lookThrough(t, sweeper)
		if swept := len(x.deleted) - before; swept > burst {
			t.Fatalf("%d went at once", swept)
		}
		x.Clock.Step(again)
	}
}

// TestASessionThatSomebodyElseDeletesGivesItsTurnUp: a log-out for instance.
func TestASessionThatSomebodyElseDeletesGivesItsTurnUp(t *testing.T) {
	t.Parallel()
	x := newRoom(t, gen.AuthUser("alice", gen.Disabled()))
	manySessions(x, 100, session(tenant.Start.Add(time.Hour)))
	sweeper := &controllers.Sweeper{Common: x.common}
	reconcile := func(change directory.Change) {
		for _, item := range sweeper.Requests(change) {
			if _, err := sweeper.Reconcile(t.Context(), item); err != nil {
				t.Fatal(err)
			}
		}
	}
	reconcile(directory.Change{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"})
	if sweeper.Waiting() == 0 {
		t.Fatal("no session waits for its turn")
	}
	for i := range 100 {
		if s, ok := x.session(fmt.Sprintf("session-%d", i)); ok {
			x.Remove(s)
			reconcile(directory.Change{Kind: directory.Sessions, Namespace: gen.Namespace, Name: s.Name})
		}
	}
	if waiting := sweeper.Waiting(); waiting != 0 {
		t.Errorf("%d sessions that are gone wait for their turns", waiting)
	}
}

// TestWhatMemoryWasToldAndNoWatchBroughtIsForgotten after one attempt to delete it.
func TestWhatMemoryWasToldAndNoWatchBroughtIsForgotten(t *testing.T) {
	t.Parallel()
	x := newRoom(t, gen.AuthUser("alice"))
	told := session(tenant.Start)
	told.CreationTimestamp = metav1.NewTime(tenant.Start)
	x.Put(told)
	x.Clock.Step(time.Minute)
	x.lookThrough(t, &controllers.Sweeper{Common: x.common})
	if _, ok := x.session(told.Name); ok {
		t.Error("memory still has it")
	}
}

// A user who is deleted leaves no trace of which sessions were theirs: a look at all of them finds these.
func TestTheSessionsOfAUserWhoIsGoneAreFoundByALook(t *testing.T) {
	t.Parallel()
	s := session(tenant.Start.Add(day))
	x := newRoom(t, s)
	x.Put(s)
	sweeper := &controllers.Sweeper{Common: x.common}
	for waited := time.Duration(0); len(x.deleted) == 0; {
		result, err := sweeper.Reconcile(t.Context(), look)
		if err != nil {
			t.Fatal(err)
		}
		if result.RequeueAfter == 0 || result.RequeueAfter > maxPoll || waited > 3*time.Hour {
			t.Fatalf("after %s it looks again after %s, and the session is there", waited, result.RequeueAfter)
		}
		x.Clock.Step(result.RequeueAfter)
		waited += result.RequeueAfter
	}
}
