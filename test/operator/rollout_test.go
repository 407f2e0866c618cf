package operator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// workloadOf is one workload of a kind that reads billing's token at its start.
func workloadOf(kind v1alpha1.WorkloadKind, name string) client.Object {
	meta := metav1.ObjectMeta{Name: name, Annotations: map[string]string{v1alpha1.AnnotationAllowRolloutRestart: "true"}}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: selector.MatchLabels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example.com/main:1"}}},
	}
	switch kind {
	case v1alpha1.WorkloadKindStatefulSet:
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}}
	case v1alpha1.WorkloadKindDaemonSet:
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}
	default:
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}}
	}
}

// restarting makes a grant restart workloads.
func restarting(targets ...v1alpha1.WorkloadReference) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.RolloutRestart = &v1alpha1.RolloutRestart{Targets: targets}
	}
}

// TestWorkloadsAreRestartedOnceForTheNewTokensOfTheirGrants: the pod template changes with every restart,
// and the generation counts them.
func TestWorkloadsAreRestartedOnceForTheNewTokensOfTheirGrants(t *testing.T) {
	t.Parallel()
	s := newScene()
	kinds := []v1alpha1.WorkloadKind{v1alpha1.WorkloadKindDeployment, v1alpha1.WorkloadKindStatefulSet, v1alpha1.WorkloadKindDaemonSet}
	var targets []v1alpha1.WorkloadReference
	var workloads []client.Object
	for _, kind := range kinds {
		w := workloadOf(kind, s.name("billing"))
		s.apply(t, w)
		workloads, targets = append(workloads, w), append(targets, v1alpha1.WorkloadReference{Kind: kind, Name: w.GetName()})
	}
	one, other := s.grantNamed("one", restarting(targets...)), s.grantNamed("other", restarting(targets...))
	s.apply(t, s.user(), s.client(), one, other)
	awaitReady(t, one, other)
	for _, g := range []*v1alpha1.RefreshTokenGrant{one, other} {
		await(t, g, v1alpha1.ConditionRestartTriggered, metav1.ConditionFalse, v1alpha1.ReasonNotNeeded)
	}

	awaitTime(t, one.Status.NotBefore.Add(62*time.Second)) // a second has one token
	for _, g := range []*v1alpha1.RefreshTokenGrant{one, other} {
		edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{"orders:write"} })
	}
	for _, g := range []*v1alpha1.RefreshTokenGrant{one, other} {
		await(t, g, v1alpha1.ConditionRestartTriggered, metav1.ConditionTrue, v1alpha1.ReasonRestarted)
	}
	for _, w := range workloads {
		wantGeneration(t, w, 2)
	}

	// Within the interval nothing is restarted again.
	edit(t, one, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{"orders:delete"} })
	await(t, one, v1alpha1.ConditionRestartTriggered, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	await(t, other, v1alpha1.ConditionRestartTriggered, metav1.ConditionTrue, v1alpha1.ReasonRestarted)
	awaitReady(t, one)
	for _, w := range workloads {
		wantGeneration(t, w, 2)
	}

	// A grant that names none any more says nothing of them.
	edit(t, one, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RolloutRestart = nil })
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(one), one); err != nil {
			return err
		}
		for _, condition := range one.Status.Conditions {
			if condition.Type == v1alpha1.ConditionRestartTriggered {
				return fmt.Errorf("still %s", condition.Reason)
			}
		}
		return nil
	})
}

func wantGeneration(t *testing.T, object client.Object, want int64) {
	t.Helper()
	if err := admin.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	if object.GetGeneration() != want {
		t.Errorf("%T %q is of generation %d, want %d", object, object.GetName(), object.GetGeneration(), want)
	}
}

func TestAWorkloadIsNotRestartedWithoutItsPermission(t *testing.T) {
	t.Parallel()
	s := newScene()
	w := workloadOf(v1alpha1.WorkloadKindDeployment, s.name("silent"))
	w.SetAnnotations(nil)
	s.apply(t, w)
	target := v1alpha1.WorkloadReference{Kind: v1alpha1.WorkloadKindDeployment, Name: w.GetName()}
	missing := v1alpha1.WorkloadReference{Kind: v1alpha1.WorkloadKindDeployment, Name: s.name("missing")}
	silent, gone := s.grantNamed("silent", restarting(target)), s.grantNamed("gone", restarting(missing))
	s.apply(t, s.user(), s.client(), silent, gone)
	awaitReady(t, silent, gone)
	await(t, silent, v1alpha1.ConditionRestartTriggered, metav1.ConditionFalse, v1alpha1.ReasonNotPermitted)
	await(t, gone, v1alpha1.ConditionRestartTriggered, metav1.ConditionFalse, v1alpha1.ReasonWorkloadNotFound)
	awaitTime(t, silent.Status.NotBefore.Add(62*time.Second))
	ask(t, silent, "please")
	awaitRequestDone(t, silent, "please")
	awaitTime(t, time.Now().Add(16*time.Second)) // past the moment that others are waited for
	wantGeneration(t, w, 1)
}
