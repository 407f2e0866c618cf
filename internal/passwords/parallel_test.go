package passwords

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// result sorts what Verify answers.
func result(index int, err error) string {
	var locked *LockedError
	switch {
	case err == nil:
		return fmt.Sprintf("material %d", index)
	case errors.Is(err, ErrMismatch):
		return "mismatch"
	case errors.As(err, &locked):
		return "locked"
	case errors.Is(err, ErrOverloaded):
		return "overloaded"
	case errors.Is(err, context.Canceled):
		return "canceled"
	default:
		return err.Error()
	}
}

// together starts all attempts, lets them come as far as they can while every
// hash is held up, then lets the hashes go and counts the results. It runs
// inside of a bubble.
func together(t *testing.T, r *rig, attempts []Attempt) map[string]int {
	t.Helper()
	var (
		hold    = make(chan struct{})
		mu      sync.Mutex
		results = map[string]int{}
		group   sync.WaitGroup
	)
	r.during = func() { <-hold }
	for _, a := range attempts {
		group.Go(func() {
			got := result(r.Verify(t.Context(), a))
			mu.Lock()
			defer mu.Unlock()
			results[got]++
		})
	}
	synctest.Wait()
	close(hold)
	group.Wait()
	return results
}

// many makes attempts by number.
func many(n int, attempt func(i int) Attempt) []Attempt {
	attempts := make([]Attempt, 0, n)
	for i := range n {
		attempts = append(attempts, attempt(i))
	}
	return attempts
}

// parallel is what may be known of attempts that are made at the same time.
type parallel struct {
	workers    int
	before     int // wrong attempts that alice made before, one by one
	pause      time.Duration
	attempts   []Attempt
	want       map[string]int
	wantHashes int
}

func runParallel(t *testing.T, tests map[string]parallel) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Workers: tc.workers, WorkersPerTenant: tc.workers})
				r.fail(t, tc.before, alice())
				r.clock.Step(tc.pause)
				before := r.hashes.Load()
				if diff := cmp.Diff(tc.want, together(t, r, tc.attempts)); diff != "" {
					t.Errorf("results (-want +got):\n%s", diff)
				}
				if got := int(r.hashes.Load() - before); got != tc.wantHashes {
					t.Errorf("%d hashes, want %d", got, tc.wantHashes)
				}
				if got := len(r.pool.lanes); got != 0 {
					t.Errorf("%d lanes are left, want none", got)
				}
			})
		})
	}
}

func guess(i int) func(*Attempt)    { return password(fmt.Sprintf("guess %d", i)) }
func stranger(i int) func(*Attempt) { return source(fmt.Sprintf("stranger %d", i)) }

func TestParallelGuesses(t *testing.T) {
	t.Parallel()
	guesses := many(40, func(i int) Attempt { return alice(guess(i)) })
	runParallel(t, map[string]parallel{
		"one source gets five": {
			workers: 40, attempts: guesses,
			want: map[string]int{"mismatch": 5, "locked": 35}, wantHashes: 5,
		},
		"one source gets five with one worker too": {
			workers: 1, attempts: guesses,
			want: map[string]int{"mismatch": 5, "locked": 35}, wantHashes: 5,
		},
		"failures of before count": {
			workers: 40, before: 3, attempts: guesses,
			want: map[string]int{"mismatch": 2, "locked": 38}, wantHashes: 2,
		},
		"after a lock there is one": {
			workers: 40, before: 5, pause: time.Second, attempts: guesses,
			want: map[string]int{"mismatch": 1, "locked": 39}, wantHashes: 1,
		},
		"all strangers together get fifty": {
			workers:  80,
			attempts: many(80, func(i int) Attempt { return alice(guess(i), stranger(i)) }),
			want:     map[string]int{"mismatch": 50, "locked": 30}, wantHashes: 50,
		},
		"what does not fit into the queue is refused": {
			workers:  1,
			attempts: many(129+20, func(i int) Attempt { return alice(login(fmt.Sprint(i)), guess(i)) }),
			want:     map[string]int{"mismatch": 129, "overloaded": 20}, wantHashes: 129,
		},
	})
}

func TestParallelLoginsOfOneUser(t *testing.T) {
	t.Parallel()
	logins := many(100, func(int) Attempt { return alice() })
	runParallel(t, map[string]parallel{
		"one worker hashes the password once": {
			workers: 1, attempts: logins,
			want: map[string]int{"material 0": 100}, wantHashes: 1,
		},
		"many workers hash it no more often than it may fail": {
			workers: 40, attempts: logins,
			want: map[string]int{"material 0": 100}, wantHashes: 5,
		},
		"after a lock one may go ahead and all pass": {
			workers: 40, before: 5, pause: time.Second, attempts: logins,
			want: map[string]int{"material 0": 100}, wantHashes: 1,
		},
		"from many sources it is hashed once too": {
			workers:  1,
			attempts: many(100, func(i int) Attempt { return alice(stranger(i)) }),
			want:     map[string]int{"material 0": 100}, wantHashes: 1,
		},
	})
}

func TestARefusedAttemptIsNotCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Workers: 1, QueuePerTenant: 2})
		together(t, r, many(30, func(i int) Attempt { return alice(login(fmt.Sprint(i%10)), password(wrong)) }))
		r.during = nil
		for i := range 10 {
			r.pass(t, alice(login(fmt.Sprint(i))))
		}
		if got := r.ledger.origins.entries.Len(); got != 0 {
			t.Errorf("%d sources are counted, want none", got)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ahead []Attempt // keep the worker, or the places of the source, taken
		last  Attempt
	}{
		"waiting for a worker": {
			many(2, func(i int) Attempt { return alice(login(fmt.Sprint(i)), password(wrong)) }),
			alice(password(wrong)),
		},
		"waiting for a worker behind another tenant": {
			many(1, func(int) Attempt { return alice(tenant("team-b"), password(wrong)) }),
			alice(password(wrong)),
		},
		"waiting for a place in the count": {
			many(5, func(int) Attempt { return alice(password(wrong)) }),
			alice(password(wrong)),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{Workers: 1})
				hold := make(chan struct{})
				r.during = func() { <-hold }
				var group sync.WaitGroup
				for _, a := range tc.ahead {
					group.Go(func() { _, _ = r.Verify(t.Context(), a) })
				}
				synctest.Wait()
				ctx, cancel := context.WithCancel(t.Context())
				var got string
				group.Go(func() { got = result(r.Verify(ctx, tc.last)) })
				synctest.Wait()
				if got != "" {
					t.Errorf("it did not wait: %s", got)
				}
				cancel()
				synctest.Wait()
				if got != "canceled" {
					t.Errorf("after the context ended: %q, want canceled", got)
				}
				close(hold)
				group.Wait()
				if hashes := int(r.hashes.Load()); hashes != len(tc.ahead) {
					t.Errorf("%d hashes, want %d: the one that gave up must not be hashed", hashes, len(tc.ahead))
				}
			})
		})
	}
}

func TestGivingUpGivesThePlaceBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if index, err := r.Verify(ctx, alice(password(wrong))); index != noMatch || !errors.Is(err, context.Canceled) {
			t.Fatalf("Verify() = %d, %v, want -1 and a canceled context", index, err)
		}
	}
	r.fail(t, 5, alice())
}

// turns has tenants ask for work in the given order, all before the first one
// is done, and returns the order in which they got it; those that ran at the
// same time are sorted. The work of a tenant in capitals is large.
func turns(t *testing.T, p *pool, tenants ...string) []string {
	t.Helper()
	var (
		order, running []string
		step           = make(chan struct{})
		mu             sync.Mutex
		group          sync.WaitGroup
	)
	for _, name := range tenants {
		l, err := p.enter(name)
		if err != nil {
			t.Fatalf("enter: %v", err)
		}
		group.Go(func() {
			defer p.leave(l)
			_ = p.run(t.Context(), l, name == strings.ToUpper(name), func() {
				mu.Lock()
				running = append(running, name)
				mu.Unlock()
				<-step
			})
		})
		synctest.Wait()
	}
	for len(running) > 0 {
		round := running
		running = nil
		slices.Sort(round)
		order = append(order, fmt.Sprint(round))
		for range round {
			step <- struct{}{}
		}
		synctest.Wait()
	}
	group.Wait()
	return order
}

func TestWorkersAreShared(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		workers, slots int
		tenants        []string
		want           []string
	}{
		"one tenant alone gets its share of the workers": {
			4, 2, []string{"a", "a", "a", "a"}, []string{"[a a]", "[a a]"},
		},
		"what is large is done one at a time": {
			4, 2, []string{"A", "B", "A", "c", "d"}, []string{"[A c d]", "[B]", "[A]"},
		},
		"what is large keeps no worker while it waits": {
			2, 1, []string{"A", "B", "c"}, []string{"[A c]", "[B]"},
		},
		"another tenant gets a worker at once": {
			2, 1, []string{"a", "a", "a", "b"}, []string{"[a b]", "[a]", "[a]"},
		},
		"with one worker it gets the next turn": {
			1, 1, []string{"a", "a", "a", "b"}, []string{"[a]", "[b]", "[a]", "[a]"},
		},
		"and two tenants take turns": {
			1, 1, []string{"a", "a", "a", "b", "b"}, []string{"[a]", "[b]", "[a]", "[b]", "[a]"},
		},
		"no more run than there are workers": {
			2, 2, []string{"a", "b", "c", "d"}, []string{"[a b]", "[c d]"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := turns(t, newPool(tc.workers, tc.slots, 10), tc.tenants...)
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("turns (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheQueueOfOneTenantIsNotAnothers(t *testing.T) {
	t.Parallel()
	p := newPool(1, 1, 1)
	for i, want := range []error{nil, nil, ErrOverloaded} {
		if _, err := p.enter("a"); !errors.Is(err, want) {
			t.Errorf("enter %d of a: %v, want %v", i+1, err, want)
		}
	}
	if _, err := p.enter("b"); err != nil {
		t.Errorf("enter of b: %v, want no error", err)
	}
}

// TestAllAtOnce is for the race detector.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Workers: 4, CacheSize: 8, Records: 8, QueuePerTenant: 16})
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for i := range 300 {
				mix := worker*31 + i*7
				a := alice(login(fmt.Sprint(mix%6)), source(fmt.Sprint(mix%4)), tenant(fmt.Sprint(mix%3)))
				isRight := mix%5 < 3
				if !isRight {
					a = alice(guess(i))
				}
				if mix%8 == 0 {
					r.clock.Step(standard.first)
				}
				index, err := r.Verify(t.Context(), a)
				if isRight && errors.Is(err, ErrMismatch) || !isRight && err == nil || (err == nil) != (index == 0) {
					t.Errorf("right password: %v; Verify() = %d, %v", isRight, index, err)
				}
			}
		})
	}
	group.Wait()
}
