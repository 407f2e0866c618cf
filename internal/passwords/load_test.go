package passwords

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheLoadIsToldWhileThereIsSome(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Workers: 1, WorkersPerTenant: 1})
	if diff := cmp.Diff(Load{}, r.Load()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	hashing, goOn := make(chan struct{}), make(chan struct{})
	r.during = func() {
		hashing <- struct{}{}
		<-goOn
	}
	ended := make(chan struct{}, 2)
	start := func(who string) {
		go func() {
			defer func() { ended <- struct{}{} }()
			if _, err := r.Verify(t.Context(), alice(login(who), subject(who))); err != nil {
				t.Error(err)
			}
		}()
	}
	start("alice")
	<-hashing
	start("bob") // of the same tenant, which has one worker
	for end := time.Now().Add(10 * time.Second); r.Load().Waiting != 1 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if diff := cmp.Diff(Load{Waiting: 1, Running: 1, Hashed: 1}, r.Load()); diff != "" {
		t.Errorf("one runs and one waits (-want +got):\n%s", diff)
	}
	r.clock.Step(3 * time.Second)
	goOn <- struct{}{}
	<-hashing
	goOn <- struct{}{}
	<-ended
	<-ended
	if diff := cmp.Diff(Load{Hashed: 2, Waited: 3 * time.Second, Verified: 2}, r.Load()); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

func TestWhoGivesUpWaitsNoMore(t *testing.T) {
	t.Parallel()
	var l load
	gone, served := l.queue(noon), l.queue(noon)
	gone.leave()
	served.begin(noon.Add(time.Second))
	if l.waiting.Load() != 0 || l.running.Load() != 1 {
		t.Errorf("%d wait and %d run, want 0 and 1", l.waiting.Load(), l.running.Load())
	}
	served.leave()
	if l.waiting.Load() != 0 || l.running.Load() != 0 {
		t.Errorf("%d wait and %d run, want none", l.waiting.Load(), l.running.Load())
	}
}
