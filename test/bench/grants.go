package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// The figures of grants.
const (
	grantShare  = 0.6
	oneGrantP50 = 150  // milliseconds
	oneGrantP99 = 1000 // milliseconds
)

// workers is how many writes are under way at once: as many as the operator allows itself.
const workers = 16

// ones is how many grants are applied one after the other.
const ones = 20

// turns is how often the operator and the bare loop take turns with grants.
const turns = 2

// apply makes a builder's grant what a person would apply: what the operator fills in is absent.
func apply(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID, g.Spec.Epoch = "", 0 }

// measureGrants compares the rate at which the operator brings in grants with the rate of a loop
// that does nothing but the same writes, by way of client-go, on the same API server.
// to gets what was written in detail.
func measureGrants(ctx context.Context, w *world, s *settings, t *table, to io.Writer) error {
	if err := measureOnes(ctx, w, t); err != nil {
		return err
	}
	b, err := newBareLoop(ctx, w)
	if err != nil {
		return err
	}
	var applied, issued race
	for turn := range turns {
		if err := applied.run(ctx, w, b.names("applied", turn, s.grants/turns), b.applyAll, w.applyAll); err != nil {
			return err
		}
		names, err := b.prepare(ctx, w, turn, s.grants/turns)
		if err != nil {
			return err
		}
		enable := func(ctx context.Context, names []string) error { return w.enable(ctx, lateUser(turn), names) }
		if err := issued.run(ctx, w, names, b.issueAll, enable); err != nil {
			return err
		}
	}
	fmt.Fprintf(to, "  for each applied grant: %s\n", applied.written.per(applied.n))
	fmt.Fprintf(to, "  for each grant that becomes due: %s\n", issued.written.per(issued.n))
	applied.report(t, fmt.Sprintf("%d grants applied, all Ready: rate, of a bare loop's", applied.n), 3)
	issued.report(t, fmt.Sprintf("%d applied grants become due, all Ready: rate, of a bare loop's", issued.n), 2)
	return nil
}

// measureOnes applies grants one after the other, each once the last is Ready.
func measureOnes(ctx context.Context, w *world, t *table) error {
	var took []time.Duration
	for i := range ones {
		one, err := w.bring(ctx, applied(fmt.Sprintf("one-%d", i), user))
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	t.atMost("1 grant applied, Ready: p50", milliseconds(quantile(took, 0.5)), oneGrantP50, "ms")
	t.atMost("1 grant applied, Ready: the slowest of 20", milliseconds(quantile(took, 1)), oneGrantP99, "ms")
	return nil
}

// race is the operator and the bare loop doing the same in turns.
type race struct {
	n              int
	bare, operator time.Duration
	written        writes
}

// bringing brings in the grants of some names.
type bringing func(ctx context.Context, names []string) error

func (r *race) run(ctx context.Context, w *world, names []string, bare, operator bringing) error {
	started := time.Now()
	if err := bare(ctx, names); err != nil {
		return err
	}
	r.bare += time.Since(started)
	before, err := w.writes(ctx)
	if err != nil {
		return err
	}
	started = time.Now()
	if err := operator(ctx, names); err != nil {
		return err
	}
	r.operator += time.Since(started)
	after, err := w.writes(ctx)
	if err != nil {
		return err
	}
	r.n += len(names)
	if r.written == nil {
		r.written = writes{}
	}
	for name, count := range after.since(before) {
		r.written[name] += count
	}
	return nil
}

// report tells the rate, and what the operator has written for each grant: that is, not the grants
// themselves nor the one user.
func (r *race) report(t *table, name string, writesForEach float64) {
	rate := func(took time.Duration) float64 { return float64(r.n) / took.Seconds() }
	note := fmt.Sprintf("(%.0f/s of %.0f/s)", rate(r.operator), rate(r.bare))
	t.percentAtLeast(name, r.bare.Seconds()/r.operator.Seconds(), grantShare, note)
	var written int64
	for name, count := range r.written {
		if name != "POST refreshtokengrants" && !strings.Contains(name, "authusers") {
			written += count
		}
	}
	t.meanAtMost("  the operator's writes for each of them", float64(written)/float64(r.n), writesForEach)
}

// eachOf calls do for every name, several at a time.
func eachOf(ctx context.Context, names []string, do func(ctx context.Context, name string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, name := range names {
		group.Go(func() error { return do(ctx, name) })
	}
	return group.Wait()
}

// applyAll applies grants and waits until all of them are Ready.
func (w *world) applyAll(ctx context.Context, names []string) error {
	ready, err := w.awaitReady(ctx, names)
	if err != nil {
		return err
	}
	err = eachOf(ctx, names, func(ctx context.Context, name string) error {
		return w.client.Create(ctx, applied(name, user))
	})
	if err != nil {
		return fmt.Errorf("apply the grants: %w", err)
	}
	return ready()
}

// applied is one of many grants.
func applied(name, user string) *v1alpha1.RefreshTokenGrant {
	return gen.RefreshTokenGrant(name, apply, gen.ForUser(user), gen.GrantScopes(scope), gen.Target(name))
}

// lateUser is a user who is disabled while grants for it are applied.
func lateUser(turn int) string { return fmt.Sprintf("late-%d", turn) }

// enable enables the user on whom alone grants wait, and waits until all of them are Ready.
func (w *world) enable(ctx context.Context, name string, grants []string) error {
	ready, err := w.awaitReady(ctx, grants)
	if err != nil {
		return err
	}
	late := gen.AuthUser(name)
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"state":"Enabled"}}`))
	if err := w.client.Patch(ctx, late, patch); err != nil {
		return fmt.Errorf("enable user %q: %w", name, err)
	}
	return ready()
}
