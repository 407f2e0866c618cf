package store_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// counter is a Live on a real API server that counts its reads and can hold them back.
type counter struct {
	*store.Live
	client client.Client
	clock  *clocktesting.FakeClock
	reads  atomic.Int64
	// gate, where set, is what every read waits for; it fails with the error that comes.
	gate chan error
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	x := &counter{clock: clocktesting.NewFakeClock(time.Now())}
	wait := func(ctx context.Context) error {
		x.reads.Add(1)
		if x.gate == nil {
			return nil
		}
		select {
		case err := <-x.gate:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c := connect(t)
	x.client = c
	x.Live = store.NewLive(store.NewKubernetes(interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if err := wait(ctx); err != nil {
				return err
			}
			return c.Get(ctx, key, object, options...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if err := wait(ctx); err != nil {
				return err
			}
			return c.List(ctx, list, options...)
		},
	})), x.clock)
	return x
}

func TestWhatIsThereIsReadEachTime(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	there := session(namespace, "a token")
	g := gen.In(namespace, gen.RefreshTokenGrant("grant"))
	for _, object := range []client.Object{there, g} {
		if err := x.client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if found, err := x.Session(t.Context(), namespace, there.Name); err != nil || found.UID != there.UID {
			t.Errorf("the session: %v, %v", found, err)
		}
		if found, err := x.GrantByID(t.Context(), namespace, g.Spec.ID); err != nil || found.UID != g.UID {
			t.Errorf("the grant: %v, %v", found, err)
		}
	}
	if reads := x.reads.Load(); reads != 4 {
		t.Errorf("%d reads, want 4: a session may be gone by now", reads)
	}
}

func TestAnAbsenceIsBelievedForASecond(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	name := tokens.SessionName("a token")
	absent := func() {
		t.Helper()
		if _, err := x.Session(t.Context(), namespace, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	absent()
	if err := x.client.Create(t.Context(), session(namespace, "a token")); err != nil {
		t.Fatal(err)
	}
	x.clock.Step(999 * time.Millisecond)
	absent()
	if reads := x.reads.Load(); reads != 1 {
		t.Errorf("%d reads within the second, want 1", reads)
	}
	x.clock.Step(time.Millisecond)
	if _, err := x.Session(t.Context(), namespace, name); err != nil {
		t.Errorf("after the second: %v", err)
	}
}

func TestAnAbsenceInOneTenantSaysNothingOfAnother(t *testing.T) {
	t.Parallel()
	x, one, other := newCounter(t), cp.Namespace(t), cp.Namespace(t)
	there := session(other, "a token")
	if err := x.client.Create(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Session(t.Context(), one, there.Name); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("in one: %v, want ErrNotFound", err)
	}
	if _, err := x.Session(t.Context(), other, there.Name); err != nil {
		t.Errorf("in the other: %v", err)
	}
}

func TestAFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	x.gate = make(chan error, 2)
	x.gate <- apierrors.NewServiceUnavailable("etcd has no leader")
	x.gate <- nil
	if _, err := x.Session(t.Context(), namespace, "x"); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("the first: %v, want the API server's error", err)
	}
	if _, err := x.Session(t.Context(), namespace, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the second: %v, want ErrNotFound", err)
	}
}

func TestManyWhoAskForOneKeyAtOnceCostOneRead(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	x.gate = make(chan error)
	there := session(namespace, "a token")
	if err := x.client.Create(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	const many = 200 // more than the limit lets through
	var waiting sync.WaitGroup
	waiting.Add(many)
	var group errgroup.Group
	for range many {
		group.Go(func() error {
			_, err := x.Session(waiter{t.Context(), waiting.Done}, namespace, there.Name)
			return err
		})
	}
	waiting.Wait()
	close(x.gate)
	if err := group.Wait(); err != nil {
		t.Errorf("one of them: %v", err)
	}
	if reads := x.reads.Load(); reads != 1 {
		t.Errorf("%d reads for %d callers, want 1", reads, many)
	}
}

// waiter is a context that tells when its caller begins to wait for the answer.
type waiter struct {
	context.Context //nolint:containedctx // it is one
	begins          func()
}

func (w waiter) Done() <-chan struct{} {
	w.begins()
	return w.Context.Done()
}

func TestACallerWhoGivesUpDoesNotSpoilTheReadForTheOthers(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	x.gate = make(chan error)
	there := session(namespace, "a token")
	if err := x.client.Create(t.Context(), there); err != nil {
		t.Fatal(err)
	}
	impatient, giveUp := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	ask := func(ctx context.Context, answer chan<- error) {
		_, err := x.Session(ctx, namespace, there.Name)
		answer <- err
	}
	go ask(impatient, first)
	controlplane.Eventually(t, 30*time.Second, func(context.Context) error {
		if x.reads.Load() == 0 {
			return errors.New("nobody reads yet")
		}
		return nil
	})
	go ask(t.Context(), second)
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	close(x.gate)
	if err := <-second; err != nil {
		t.Errorf("who waited: %v", err)
	}
}

// unknown looks up so many sessions that are not there, and tells how many lookups were throttled.
func (x *counter) unknown(t *testing.T, namespace, prefix string, calls int) (throttled int) {
	t.Helper()
	for i := range calls {
		_, err := x.Session(t.Context(), namespace, tokens.SessionName(prefix+strconv.Itoa(i)))
		switch {
		case errors.Is(err, store.ErrThrottled):
			throttled++
		case !errors.Is(err, store.ErrNotFound):
			t.Fatal(err)
		}
	}
	return throttled
}

func TestTooManyDifferentKeysAreThrottled(t *testing.T) {
	t.Parallel()
	x := newCounter(t)
	namespaces := []string{cp.Namespace(t), cp.Namespace(t), cp.Namespace(t)}
	answers := func(prefix string, calls int) (throttled int) {
		t.Helper()
		for _, namespace := range namespaces {
			throttled += x.unknown(t, namespace, prefix, calls)
		}
		return throttled
	}
	if throttled := answers("first ", 50); throttled != 50 {
		t.Errorf("%d of 150 calls were throttled, want 50", throttled)
	}
	if reads := x.reads.Load(); reads != 100 {
		t.Errorf("%d reads, want the burst of 100", reads)
	}
	x.clock.Step(time.Second)
	if throttled := answers("second ", 20); throttled != 10 {
		t.Errorf("a second later %d of 60 calls were throttled, want 10", throttled)
	}
}

func TestOneTenantsUnknownTokensDoNotThrottleAnother(t *testing.T) {
	t.Parallel()
	x, one, other := newCounter(t), cp.Namespace(t), cp.Namespace(t)
	if throttled := x.unknown(t, one, "first ", 150); throttled != 100 {
		t.Errorf("%d of one tenant's 150 calls were throttled, want all past its burst of 50", throttled)
	}
	if throttled := x.unknown(t, other, "first ", 50); throttled != 0 {
		t.Errorf("%d of the other's 50 calls were throttled, want none", throttled)
	}
	x.clock.Step(time.Second)
	if throttled := x.unknown(t, one, "second ", 30); throttled != 5 {
		t.Errorf("a second later %d of one tenant's 30 calls were throttled, want all past 25", throttled)
	}
}

func TestUnknownSessionsDoNotThrottleGrants(t *testing.T) {
	t.Parallel()
	x, namespace := newCounter(t), cp.Namespace(t)
	for i := range 101 {
		if _, err := x.Session(t.Context(), namespace, tokens.SessionName(strconv.Itoa(i))); i == 100 && !errors.Is(err, store.ErrThrottled) {
			t.Fatalf("the sessions are not throttled: %v", err)
		}
	}
	if _, err := x.GrantByID(t.Context(), namespace, gen.GrantID("unknown")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the grant: %v, want ErrNotFound", err)
	}
}

// awaitSecondAfter waits until the clock is past the second of a time.
func awaitSecondAfter(t *testing.T, at time.Time) {
	t.Helper()
	controlplane.Eventually(t, 30*time.Second, func(context.Context) error {
		if !time.Now().After(at.Add(time.Second)) {
			return errors.New("not yet")
		}
		return nil
	})
}
