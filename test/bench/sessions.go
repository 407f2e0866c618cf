package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/ptr"

	"github.com/grantkeeper/grantkeeper/test/gen"
)

// The figures of live sessions.
const (
	sessionUsers    = 100
	sessionsOfEach  = 100
	sessionResident = 20 // MiB
)

// tight makes the collector leave hardly anything lying about, so that what is resident is what is held.
// As installed it lets the heap grow to three times of that before it runs.
const tight = "GOGC=10"

// measureSessions logs many users in for reference tokens that are kept in Kubernetes, and measures what
// a replica that has just started holds more with their sessions than without.
func measureSessions(ctx context.Context, w *world, t *table) error {
	if err := w.client.Create(ctx, gen.AuthTenant(gen.TenantLimits(2*sessionUsers*sessionsOfEach, 10000))); err != nil {
		return fmt.Errorf("raise the tenant's limits: %w", err)
	}
	for i := range sessionUsers {
		one := gen.AuthUser(sessionUser(i), gen.Password(), gen.UserScopes("orders:*", "confd.#"))
		one.Spec.Password.SecretRef.Name = user + "-password"
		one.Spec.MaxSessions = ptr.To[int32](sessionsOfEach)
		if err := w.client.Create(ctx, one); err != nil {
			return fmt.Errorf("create user %q: %w", one.Name, err)
		}
	}
	before, err := w.residentBothWays(ctx)
	if err != nil {
		return err
	}
	started := time.Now()
	group, logins := errgroup.WithContext(ctx)
	group.SetLimit(connections)
	for i := range sessionUsers {
		group.Go(func() error { return w.logIn(logins, sessionUser(i)) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	perSecond := sessionUsers * sessionsOfEach / time.Since(started).Seconds()
	after, err := w.residentBothWays(ctx)
	if err != nil {
		return err
	}
	t.tell("logins for reference tokens, the collector kept tight", fmt.Sprintf("%.0f a second", perSecond))
	t.atMost(fmt.Sprintf("%d live sessions: resident memory that they cost, the collector kept tight", sessionUsers*sessionsOfEach), after.tight-before.tight, sessionResident, "MiB")
	t.tell("  as installed", fmt.Sprintf("%.1f MiB", after.installed-before.installed))
	t.tell("  as installed, in all", fmt.Sprintf("%.1f MiB", after.installed))
	return nil
}

func sessionUser(i int) string { return fmt.Sprintf("user-%d", i) }

// logIn logs a user in as often as it may have sessions.
func (w *world) logIn(ctx context.Context, name string) error {
	l, err := newLoad(w.url, w.operator.PID(), request{
		method: http.MethodPost, path: "/api/auth/0.1/token", body: `{"expiration": 86400}`, want: http.StatusOK,
		header: http.Header{"Authorization": {basic(name, password)}, "Content-Type": {"application/json"}},
	})
	if err != nil {
		return err
	}
	defer l.close()
	for range sessionsOfEach {
		if _, err := l.once(ctx); err != nil {
			return fmt.Errorf("log %s in: %w", name, err)
		}
	}
	return nil
}

// settle is how long a replica that has started is left alone: what its caches were filled from is
// garbage then, and the runtime takes its time to give it back.
const settle = 30 * time.Second

// bothWays is the memory of a replica in MiB, with the collector kept tight and as installed.
type bothWays struct{ tight, installed float64 }

func (w *world) residentBothWays(ctx context.Context) (r bothWays, err error) {
	w.environment = []string{tight}
	r.tight, err = w.residentAfterRestart(ctx)
	w.environment = nil
	if err != nil {
		return r, err
	}
	r.installed, err = w.residentAfterRestart(ctx)
	return r, err
}

// residentAfterRestart is the memory of a replica that has read everything.
func (w *world) residentAfterRestart(ctx context.Context) (float64, error) {
	if err := w.operator.Stop(); err != nil {
		return 0, err
	}
	if err := w.startOperator(ctx); err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(settle):
	}
	now, _, err := residentOf(w.operator.PID())
	return now, err
}
