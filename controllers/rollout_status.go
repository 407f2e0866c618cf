package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/rollout"
)

// rolloutFieldOwner is the name under which the condition of restarts is applied. The rest of a grant's
// status is another controller's, and the API server keeps the two apart.
const rolloutFieldOwner = client.FieldOwner("grantkeeper-rollouts")

// verdict is what a look at a workload has come to.
type verdict struct {
	// reason is why it cannot be restarted at all; empty where it can.
	reason   string
	workload rollout.Workload
	// next is when to look again, where a restart is due.
	next time.Time
}

func (v *verdict) lookAgain(now time.Time) time.Duration {
	if v.reason != "" {
		return workloadPoll
	}
	return until(now, v.next)
}

// with is the reason for one grant's condition.
func (v *verdict) with(g *directory.Grant) string {
	if v.reason != "" {
		return v.reason
	}
	grant := rolloutGrant(g)
	switch v.workload.With(&grant) {
	case rollout.Due:
		return v1alpha1.ReasonWaiting
	case rollout.Restarted:
		return v1alpha1.ReasonRestarted
	default:
		return v1alpha1.ReasonNotNeeded
	}
}

// verdicts remembers the last look at each workload: a grant's condition is about all of its workloads.
// The zero value is ready for use.
type verdicts struct {
	mu sync.Mutex
	of map[Workload]verdict
}

func (v *verdicts) set(of Workload, to verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil {
		v.of = map[Workload]verdict{}
	}
	v.of[of] = to
}

func (v *verdicts) get(of Workload) (verdict, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.of[of]
	return found, ok
}

func (v *verdicts) forget(of Workload) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, of)
}

// restartReasons are the reasons of the condition, and what each says about a workload. The first that
// holds for one of a grant's workloads counts.
var restartReasons = []struct{ reason, message string }{
	{v1alpha1.ReasonForbidden, "The operator may not restart %s; the chart's value rolloutRestarts.enabled lets it."},
	{v1alpha1.ReasonWorkloadNotFound, "There is no %s."},
	{v1alpha1.ReasonNotPermitted, "To let grants restart it, annotate %s with " + v1alpha1.AnnotationAllowRolloutRestart + `: "true".`},
	{v1alpha1.ReasonWaiting, "A restart is due and comes when minInterval allows it: %s."},
	{v1alpha1.ReasonRestarted, "Restarted for the present token: %s."},
	{v1alpha1.ReasonNotNeeded, "No restart was needed for the present token: %s."},
}

// tell writes the condition of one grant, once all of its workloads have been looked at.
func (r *RolloutRestarts) tell(ctx context.Context, g *directory.Grant, now time.Time) error {
	about := map[string][]string{}
	for _, target := range g.Spec.RestartTargets() {
		v, known := r.verdicts.get(Workload{Namespace: g.Namespace, Kind: target.Kind, Name: target.Name})
		if !known {
			return nil
		}
		reason := v.with(g)
		about[reason] = append(about[reason], fmt.Sprintf("%s %q", target.Kind, target.Name))
	}
	for _, of := range restartReasons {
		if workloads := about[of.reason]; len(workloads) > 0 {
			slices.Sort(workloads)
			return r.apply(ctx, g, now, of.reason, fmt.Sprintf(of.message, strings.Join(workloads, ", ")))
		}
	}
	return nil
}

// apply writes the condition where it differs from the one that the grant has.
func (r *RolloutRestarts) apply(ctx context.Context, g *directory.Grant, now time.Time, reason, message string) error {
	status := metav1.ConditionFalse
	if reason == v1alpha1.ReasonRestarted {
		status = metav1.ConditionTrue
	}
	wanted := conditions(g.Status.Conditions, g, metav1.NewTime(now), metav1.Condition{
		Type: v1alpha1.ConditionRestartTriggered, Status: status, Reason: reason, Message: message,
	})
	if held := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionRestartTriggered); held != nil && *held == wanted[0] {
		return nil
	}
	converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&wanted[0])
	if err != nil {
		return fmt.Errorf("convert the condition: %w", err)
	}
	return r.applyConditions(ctx, g, []any{converted})
}

// untell takes the condition away from a grant that restarts nothing any more.
func (r *RolloutRestarts) untell(ctx context.Context, t *directory.Tenant, grant string) error {
	g, ok := t.Grant(grant)
	if !ok || len(g.Spec.RestartTargets()) > 0 {
		return nil
	}
	return r.applyConditions(ctx, g, []any{})
}

func (r *RolloutRestarts) applyConditions(ctx context.Context, g *directory.Grant, conditions []any) error {
	applied := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": conditions}}}
	applied.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RefreshTokenGrant"))
	applied.SetNamespace(g.Namespace)
	applied.SetName(g.Name)
	err := r.Client.SubResource("status").Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), rolloutFieldOwner, client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("apply the condition: %w", err)
	}
	return nil
}
