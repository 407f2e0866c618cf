package passwords

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

const (
	right = "correct-canary-password"
	wrong = "wrong-canary-password"
)

// rig is a Verifier whose hash is quick and counted, at a time that the test
// sets.
type rig struct {
	*Verifier
	clock  *clocktesting.FakeClock
	hashes atomic.Int64
	// during, if set, is called on the worker while it hashes.
	during func()
	works  works
	// verified is what comes of imported hashes.
	verified bool
}

// works are the shapes of what was hashed.
type works struct {
	mu   sync.Mutex
	done []Shape
}

func (w *works) add(s Shape) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, s)
}

// take gives what was done since it was last asked.
func (w *works) take() []Shape {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.done
	w.done = nil
	return done
}

func newRig(tb testing.TB, options Options) *rig {
	tb.Helper()
	r := &rig{clock: clocktesting.NewFakeClock(noon)}
	verifier, err := New(r.clock, rand.Reader, options)
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	verifier.process.stretch = func(password, salt []byte) []byte {
		r.hashes.Add(1)
		if r.during != nil {
			r.during()
		}
		sum := sha256.Sum256(slices.Concat(salt, password))
		r.works.add(Shape{})
		return sum[:]
	}
	verifier.process.verify = func(hash *imported, _ string) bool {
		r.hashes.Add(1)
		if r.during != nil {
			r.during()
		}
		r.works.add(hash.shape)
		return r.verified
	}
	r.Verifier = verifier
	return r
}

// try verifies one attempt and reports how often it hashed.
func (r *rig) try(tb testing.TB, a Attempt) (index, hashes int, err error) {
	tb.Helper()
	before := r.hashes.Load()
	index, err = r.Verify(tb.Context(), a)
	return index, int(r.hashes.Load() - before), err
}

// fail makes so many attempts with a wrong password and wants each to be
// looked at.
func (r *rig) fail(tb testing.TB, times int, a Attempt) {
	tb.Helper()
	for i := range times {
		a.Password = sensitive.New(wrong)
		if index, hashes, err := r.try(tb, a); !errors.Is(err, ErrMismatch) || index != noMatch || hashes != 1 {
			tb.Fatalf("wrong attempt %d: index %d, %v, %d hashes; want -1, ErrMismatch, 1", i+1, index, err, hashes)
		}
	}
}

func (r *rig) pass(tb testing.TB, a Attempt) {
	tb.Helper()
	if index, _, err := r.try(tb, a); err != nil || index != 0 {
		tb.Fatalf("right attempt: index %d, %v; want 0 and no error", index, err)
	}
}

// locked wants the attempt to be refused unseen, for exactly so long.
func (r *rig) locked(tb testing.TB, wait time.Duration, a Attempt) {
	tb.Helper()
	index, hashes, err := r.try(tb, a)
	var refusal *LockedError
	if !errors.As(err, &refusal) || index != noMatch || hashes != 0 {
		tb.Fatalf("index %d, %v, %d hashes; want -1, a LockedError and none", index, err, hashes)
	}
	if refusal.RetryAfter != wait {
		tb.Fatalf("RetryAfter = %s, want %s", refusal.RetryAfter, wait)
	}
}

// alice is a right attempt; the modifications make it another one.
func alice(modifications ...func(*Attempt)) Attempt {
	a := Attempt{
		Tenant:    "team-a",
		Login:     "alice",
		Source:    "192.0.2.1",
		Password:  sensitive.New(right),
		Subject:   "6f1c0c52-3d54-4d1e-9a27-000000000001",
		Materials: []Material{Clear(sensitive.New(right))},
	}
	for _, modify := range modifications {
		modify(&a)
	}
	return a
}

func password(text string) func(*Attempt) {
	return func(a *Attempt) { a.Password = sensitive.New(text) }
}

func materials(texts ...string) func(*Attempt) {
	return func(a *Attempt) {
		a.Materials = nil
		for _, text := range texts {
			a.Materials = append(a.Materials, Clear(sensitive.New(text)))
		}
	}
}

func source(name string) func(*Attempt)  { return func(a *Attempt) { a.Source = name } }
func login(name string) func(*Attempt)   { return func(a *Attempt) { a.Login = name } }
func tenant(name string) func(*Attempt)  { return func(a *Attempt) { a.Tenant = name } }
func subject(name string) func(*Attempt) { return func(a *Attempt) { a.Subject = name } }
func nobody(a *Attempt)                  { a.Subject, a.Materials, a.Login = "", nil, "nobody" }
func withoutPassword(a *Attempt)         { a.Materials = nil }
