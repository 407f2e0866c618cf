package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/rollout"
)

// workloadPoll is how often a workload is looked at again that may not be restarted, or whose restart
// lost a race. Nothing tells when that changes: workloads are not watched.
const (
	workloadPoll      = 2 * time.Minute
	workloadRaceRetry = time.Second
)

// grantKind stands for a grant that restarts nothing any more: its condition is taken away.
const grantKind v1alpha1.WorkloadKind = "RefreshTokenGrant"

// Workload names a workload that grants restart.
type Workload struct {
	Namespace string
	Kind      v1alpha1.WorkloadKind
	Name      string
}

// RolloutRestarts restarts workloads whose pods may hold a token that was replaced, and writes the
// condition RestartTriggered of the grants that name them. Workloads are read when a grant of theirs
// changes and are never cached: a cluster has many, and few of them ask for this.
type RolloutRestarts struct {
	Common
	verdicts verdicts
}

// Requests maps a change of a grant to the workloads that it restarts.
func (r *RolloutRestarts) Requests(change directory.Change) (all []Workload) {
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok || change.Kind != directory.Grants {
		return nil
	}
	g, ok := t.Grant(change.Name)
	if !ok || g.DeletionTimestamp != nil {
		return nil
	}
	for _, target := range g.Spec.RestartTargets() {
		all = append(all, Workload{Namespace: change.Namespace, Kind: target.Kind, Name: target.Name})
	}
	if len(all) == 0 && meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionRestartTriggered) != nil {
		return []Workload{{Namespace: change.Namespace, Kind: grantKind, Name: g.Name}}
	}
	return all
}

// Reconcile restarts one workload where that is due and allowed, and tells its grants.
func (r *RolloutRestarts) Reconcile(ctx context.Context, of Workload) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(of.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	if of.Kind == grantKind {
		return reconcile.Result{}, r.untell(ctx, t, of.Name)
	}
	named := t.GrantsOfWorkload(of.Kind, of.Name)
	if len(named) == 0 {
		r.verdicts.forget(of)
		return reconcile.Result{}, nil
	}
	now := r.Clock.Now()
	v, err := r.bring(ctx, of, named, now)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.verdicts.set(of, v)
	var failed []error
	for _, g := range named {
		failed = append(failed, r.tell(ctx, g, now))
	}
	if err := errors.Join(failed...); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: v.lookAgain(now)}, nil
}

// bring restarts the workload where that is due. Only what nobody can help here and now is an error.
func (r *RolloutRestarts) bring(ctx context.Context, of Workload, named []*directory.Grant, now time.Time) (verdict, error) {
	w, err := r.observe(ctx, of)
	switch {
	case apierrors.IsNotFound(err):
		return verdict{reason: v1alpha1.ReasonWorkloadNotFound}, nil
	case apierrors.IsForbidden(err):
		return verdict{reason: v1alpha1.ReasonForbidden}, nil
	case err != nil:
		return verdict{}, fmt.Errorf("read %s %q: %w", of.Kind, of.Name, err)
	case !w.permits():
		return verdict{reason: v1alpha1.ReasonNotPermitted}, nil
	}
	record := w.record()
	decision := rollout.Decide(rolloutGrants(named), &record, now)
	if !decision.Restart {
		return verdict{workload: record, next: decision.At}, nil
	}
	err = r.restart(ctx, of, w, decision.At)
	switch {
	case apierrors.IsConflict(err): // it has changed since it was read, and may not even permit it any more
		return verdict{workload: record, next: now.Add(workloadRaceRetry)}, nil
	case apierrors.IsNotFound(err):
		return verdict{reason: v1alpha1.ReasonWorkloadNotFound}, nil
	case apierrors.IsForbidden(err):
		return verdict{reason: v1alpha1.ReasonForbidden}, nil
	case err != nil:
		return verdict{}, fmt.Errorf("restart %s %q: %w", of.Kind, of.Name, err)
	}
	record.RestartedAt = decision.At
	return verdict{workload: record}, nil
}

// rolloutGrants is what a restart depends on.
func rolloutGrants(named []*directory.Grant) []rollout.Grant {
	grants := make([]rollout.Grant, len(named))
	for i, g := range named {
		grants[i] = rolloutGrant(g)
	}
	return grants
}

func rolloutGrant(g *directory.Grant) rollout.Grant {
	grant := rollout.Grant{MinInterval: minInterval(g)}
	if known := recorded(g); known != nil {
		grant.Revision, grant.DeliveredAt = known.Revision, known.IssuedAt
		if delivered := endOf(g.Status.DeliveredAt); delivered.After(known.IssuedAt) {
			grant.DeliveredAt = delivered
		}
	}
	return grant
}

// minInterval is the grant's least time between two restarts. What cannot be read, which the API server
// lets nobody write, counts as absent.
func minInterval(g *directory.Grant) time.Duration {
	interval, err := g.Spec.RolloutRestart.EffectiveMinInterval().Parse()
	if err != nil {
		interval, _ = v1alpha1.DefaultMinRestartInterval.Parse()
	}
	return interval
}
