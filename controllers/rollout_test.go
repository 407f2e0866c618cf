package controllers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// restarts makes a grant restart workloads, and gives it a token of a revision.
func restarts(revision int64, issued time.Duration, targets ...v1alpha1.WorkloadReference) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.RolloutRestart = &v1alpha1.RolloutRestart{Targets: targets}
		g.Status.Revision, g.Status.TokenID = revision, "any"
		g.Status.NotBefore = gen.Time(tenant.Start.Add(issued - time.Minute))
		g.Status.NotAfter = gen.Time(tenant.Start.Add(issued + time.Hour))
	}
}

func deploymentNamed(name string) v1alpha1.WorkloadReference {
	return v1alpha1.WorkloadReference{Kind: v1alpha1.WorkloadKindDeployment, Name: name}
}

// permitting is a workload that is an hour old and lets grants restart it.
func permitting(mods ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{
		Namespace: gen.Namespace, Name: "billing",
		CreationTimestamp: metav1.NewTime(tenant.Start.Add(-time.Hour)),
		Annotations:       map[string]string{v1alpha1.AnnotationAllowRolloutRestart: "true"},
	}}
	for _, mod := range mods {
		mod(d)
	}
	return d
}

func restartedAt(annotation string, at time.Time) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = map[string]string{annotation: at.Format(time.RFC3339)}
	}
}

// availableSince is what a Deployment says of its pods.
func availableSince(at time.Time) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Status.Conditions = []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(at),
		}}
	}
}

// rollouts makes the controller; patches fail as the test says.
func (x *room) rollouts(onPatch func() error) *controllers.RolloutRestarts {
	common := x.common
	common.Client = interceptor.NewClient(x.client.(client.WithWatch), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if onPatch != nil {
				if err := onPatch(); err != nil {
					return err
				}
			}
			return c.Patch(ctx, object, patch, options...)
		},
	})
	return &controllers.RolloutRestarts{Common: common}
}

// recordOf is what the pod template of a Deployment says; empty where there is nothing.
func (x *room) recordOf(t *testing.T, name string) string {
	t.Helper()
	d := &appsv1.Deployment{}
	if err := x.client.Get(t.Context(), client.ObjectKey{Namespace: gen.Namespace, Name: name}, d); err != nil {
		t.Fatal(err)
	}
	return d.Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt]
}

func TestARestartAndWhatItsGrantSaysOfIt(t *testing.T) {
	t.Parallel()
	billing := controllers.Workload{Namespace: gen.Namespace, Kind: v1alpha1.WorkloadKindDeployment, Name: "billing"}
	forbidden := func() error {
		return apierrors.NewForbidden(appsv1.Resource("deployments"), "billing", errors.New("no Role says so"))
	}
	later := func() error {
		return apierrors.NewConflict(appsv1.Resource("deployments"), "billing", errors.New("it has changed"))
	}
	now := tenant.Start.Format(time.RFC3339)
	for name, tc := range map[string]struct {
		workload *appsv1.Deployment // nil: there is none
		revision int64
		issued   time.Duration
		// delivered is when the token came into the Secret; zero: with its iat.
		delivered time.Duration
		onPatch   func() error

		want       string
		wantRecord string
		wantAgain  time.Duration
	}{
		"of pods older than the token": {
			workload: permitting(), revision: 2, issued: -time.Minute, want: "True/Restarted", wantRecord: now,
		},
		"of a workload without the permission": {
			workload: permitting(func(d *appsv1.Deployment) { d.Annotations = nil }), revision: 2, issued: -time.Minute,
			want: "False/NotPermitted", wantAgain: 2 * time.Minute,
		},
		"of a workload whose permission is not true": {
			workload: permitting(func(d *appsv1.Deployment) { d.Annotations[v1alpha1.AnnotationAllowRolloutRestart] = "True" }), revision: 2,
			issued: -time.Minute, want: "False/NotPermitted", wantAgain: 2 * time.Minute,
		},
		"of a workload that is not there": {revision: 2, issued: -time.Minute, want: "False/WorkloadNotFound", wantAgain: 2 * time.Minute},
		"that the operator may not make": {
			workload: permitting(), revision: 2, issued: -time.Minute, onPatch: forbidden, want: "False/Forbidden", wantAgain: 2 * time.Minute,
		},
		"that came too late for what was read": {
			workload: permitting(), revision: 2, issued: -time.Minute, onPatch: later, want: "False/Waiting", wantAgain: time.Second,
		},
		"of a workload that was restarted half an hour ago": {
			workload: permitting(restartedAt(v1alpha1.AnnotationRestartedAt, tenant.Start.Add(-59*time.Minute))), revision: 2, issued: -time.Minute,
			want: "False/Waiting", wantRecord: tenant.Start.Add(-59 * time.Minute).Format(time.RFC3339), wantAgain: time.Minute,
		},
		"right after the token: others may follow": {
			workload: permitting(), revision: 2, issued: -time.Second, want: "False/Waiting", wantAgain: 14 * time.Second,
		},
		"of pods that a person has restarted since": {
			workload: permitting(restartedAt("kubectl.kubernetes.io/restartedAt", tenant.Start)), revision: 2, issued: -time.Minute, want: "False/NotNeeded",
		},
		"for a first token that the pods waited for": {
			workload: permitting(availableSince(tenant.Start)), revision: 1, issued: -time.Minute, want: "False/NotNeeded",
		},
		"for a first token that the pods ran without": {
			workload: permitting(availableSince(tenant.Start.Add(-30 * time.Minute))), revision: 1, issued: -time.Minute, want: "True/Restarted", wantRecord: now,
		},
		"of pods that started with the token before, which was replaced too late": {
			workload: permitting(restartedAt("kubectl.kubernetes.io/restartedAt", tenant.Start.Add(-30*time.Minute))), revision: 2,
			issued: -40 * time.Minute, delivered: -time.Minute, want: "True/Restarted", wantRecord: now,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gen.RefreshTokenGrant("grant", gen.Target("token"), restarts(tc.revision, tc.issued, deploymentNamed("billing")))
			if tc.delivered != 0 {
				g.Status.DeliveredAt = gen.Time(tenant.Start.Add(tc.delivered))
			}
			objects := []client.Object{g}
			if tc.workload != nil {
				objects = append(objects, tc.workload)
			}
			x := newRoom(t, g)
			for _, object := range objects[1:] {
				if err := x.client.Create(t.Context(), object); err != nil {
					t.Fatal(err)
				}
			}
			result, err := x.rollouts(tc.onPatch).Reconcile(t.Context(), billing)
			if err != nil {
				t.Fatal(err)
			}
			x.wantCondition(t, g, v1alpha1.ConditionRestartTriggered, tc.want)
			if message := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionRestartTriggered).Message; !strings.Contains(message, `Deployment "billing"`) {
				t.Errorf("the message %q does not name the workload", message)
			}
			if tc.workload != nil {
				if diff := cmp.Diff(tc.wantRecord, x.recordOf(t, "billing")); diff != "" {
					t.Errorf("the record of the restart (-want +got):\n%s", diff)
				}
			}
			if result.RequeueAfter != tc.wantAgain {
				t.Errorf("looks again after %s, want %s", result.RequeueAfter, tc.wantAgain)
			}
		})
	}
}

func TestOfSeveralWorkloadsTheWorstIsTold(t *testing.T) {
	t.Parallel()
	g := gen.RefreshTokenGrant("grant", gen.Target("token"), restarts(2, -time.Minute, deploymentNamed("billing"), deploymentNamed("gone")))
	x := newRoom(t, g)
	if err := x.client.Create(t.Context(), permitting()); err != nil {
		t.Fatal(err)
	}
	r := x.rollouts(nil)
	requests := r.Requests(directory.Change{Kind: directory.Grants, Namespace: gen.Namespace, Name: g.Name})
	if len(requests) != 2 {
		t.Fatalf("%d workloads are looked at, want two", len(requests))
	}
	if _, err := r.Reconcile(t.Context(), requests[0]); err != nil {
		t.Fatal(err)
	}
	if x.deliver(t, g); len(g.Status.Conditions) != 0 {
		t.Errorf("before all were looked at: %v", g.Status.Conditions)
	}
	if _, err := r.Reconcile(t.Context(), requests[1]); err != nil {
		t.Fatal(err)
	}
	x.wantCondition(t, g, v1alpha1.ConditionRestartTriggered, "False/WorkloadNotFound")
	if x.recordOf(t, "billing") == "" {
		t.Error("the other one was not restarted")
	}
	// A grant that names none any more says nothing of them.
	x.deliver(t, g)
	g.Spec.RolloutRestart = nil
	if err := x.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, g)
	for _, request := range r.Requests(directory.Change{Kind: directory.Grants, Namespace: gen.Namespace, Name: g.Name}) {
		if _, err := r.Reconcile(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if x.deliver(t, g); len(g.Status.Conditions) != 0 {
		t.Errorf("afterwards: %v", g.Status.Conditions)
	}
}

func TestOneRestartServesAllGrantsOfAWorkload(t *testing.T) {
	t.Parallel()
	one := gen.RefreshTokenGrant("one", gen.Target("one"), restarts(2, -20*time.Second, deploymentNamed("billing")))
	other := gen.RefreshTokenGrant("other", gen.Target("other"), restarts(5, -time.Second, deploymentNamed("billing")))
	x := newRoom(t, one, other)
	if err := x.client.Create(t.Context(), permitting()); err != nil {
		t.Fatal(err)
	}
	patched := 0
	r := x.rollouts(func() error { patched++; return nil })
	for range 5 {
		if _, err := r.Reconcile(t.Context(), controllers.Workload{Namespace: gen.Namespace, Kind: v1alpha1.WorkloadKindDeployment, Name: "billing"}); err != nil {
			t.Fatal(err)
		}
		x.Clock.Step(time.Minute)
	}
	if patched != 1 {
		t.Errorf("it was restarted %d times, want once", patched)
	}
	for _, g := range []*v1alpha1.RefreshTokenGrant{one, other} {
		x.wantCondition(t, g, v1alpha1.ConditionRestartTriggered, "True/Restarted")
	}
}
