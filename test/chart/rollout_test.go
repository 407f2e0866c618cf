package chart_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// The release that may restart workloads.
var restarting = ownRelease{
	name: "restarting-grantkeeper", namespace: "restarting-system", tenant: "team-restarted",
	enabled: "rolloutRestarts.enabled",
	allows:  map[string]string{"deployments.apps": "get patch", "statefulsets.apps": "get patch", "daemonsets.apps": "get patch"},
}

// restartPatch is what the operator sends.
const restartPatch = `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":"2026-01-02T03:04:05Z"}}}}}`

func template(name string) (metav1.LabelSelector, corev1.PodTemplateSpec) {
	labels := map[string]string{"app": name}
	return metav1.LabelSelector{MatchLabels: labels}, corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"example.com/kept": "as it is"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example.com/main:1"}}},
	}
}

// workloads are one of each kind.
func workloads(name string) map[string]client.Object {
	meta := func(kind string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Namespace: restarting.tenant, Name: name + "-" + kind, Annotations: map[string]string{v1alpha1.AnnotationAllowRolloutRestart: "true"},
		}
	}
	selector, pod := template(name)
	return map[string]client.Object{
		"a Deployment":  &appsv1.Deployment{ObjectMeta: meta("deployment"), Spec: appsv1.DeploymentSpec{Selector: &selector, Template: pod}},
		"a StatefulSet": &appsv1.StatefulSet{ObjectMeta: meta("statefulset"), Spec: appsv1.StatefulSetSpec{Selector: &selector, Template: pod}},
		"a DaemonSet":   &appsv1.DaemonSet{ObjectMeta: meta("daemonset"), Spec: appsv1.DaemonSetSpec{Selector: &selector, Template: pod}},
	}
}

func TestTheOperatorRestartsWorkloadsThatPermitItAndChangesNothingElse(t *testing.T) {
	t.Parallel()
	operator := restarting.install(t)
	admin := mustConnect(t, cp.Config)
	permitting, silent := workloads("permitting"), workloads("silent")
	for _, all := range []map[string]client.Object{permitting, silent} {
		for _, object := range all {
			if all["a Deployment"] == silent["a Deployment"] {
				object.SetAnnotations(map[string]string{v1alpha1.AnnotationAllowRolloutRestart: "yes"})
			}
			if err := admin.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	controlplane.Eventually(t, convergence, func(ctx context.Context) error {
		err := operator.Patch(ctx, silent["a Deployment"].DeepCopyObject().(client.Object), mergePatch(restartPatch), client.DryRunAll)
		if err == nil {
			return errors.New("the policy is not in force yet")
		}
		if !apierrors.IsForbidden(err) {
			return err
		}
		return nil
	})
	for name, object := range permitting {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := operator.Patch(t.Context(), object.DeepCopyObject().(client.Object), mergePatch(restartPatch)); err != nil {
				t.Fatalf("it may not be restarted: %v", err)
			}
			again := strings.Replace(restartPatch, "03:04", "04:05", 1)
			if err := operator.Patch(t.Context(), object.DeepCopyObject().(client.Object), mergePatch(again)); err != nil {
				t.Errorf("it may not be restarted again: %v", err)
			}
			wantForbidden(t, operator.Patch(t.Context(), silent[name].DeepCopyObject().(client.Object), mergePatch(restartPatch)), "allow-rollout-restart")
			for what, patch := range forbiddenPatches() {
				if err := operator.Patch(t.Context(), object.DeepCopyObject().(client.Object), mergePatch(patch), client.DryRunAll); !apierrors.IsForbidden(err) {
					t.Errorf("%s: %v, want Forbidden", what, err)
				}
			}
		})
	}
	// People are not bound by it.
	free := permitting["a Deployment"].DeepCopyObject().(client.Object)
	if err := admin.Patch(t.Context(), free, mergePatch(`{"spec":{"replicas":2}}`), client.DryRunAll); err != nil {
		t.Errorf("a person: %v", err)
	}
}

// forbiddenPatches are what an operator that was taken over might try, each beside a restart.
func forbiddenPatches() map[string]string {
	const restart = `"annotations":{"auth.grantkeeper.dev/restarted-at":"2026-01-02T03:04:05Z"}`
	return map[string]string{
		"another image":            `{"spec":{"template":{"metadata":{` + restart + `},"spec":{"containers":[{"name":"main","image":"evil"}]}}}}`,
		"another account":          `{"spec":{"template":{"metadata":{` + restart + `},"spec":{"serviceAccountName":"admin"}}}}`,
		"another container":        `{"spec":{"template":{"metadata":{` + restart + `},"spec":{"initContainers":[{"name":"evil","image":"evil"}]}}}}`,
		"a label of the pods":      `{"spec":{"template":{"metadata":{` + restart + `,"labels":{"evil":"true"}}}}}`,
		"another annotation":       `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":"2026-01-02T03:04:05Z","evil":"true"}}}}}`,
		"an annotation less":       `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":"2026-01-02T03:04:05Z","example.com/kept":null}}}}}`,
		"an annotation changed":    `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":"2026-01-02T03:04:05Z","example.com/kept":"evil"}}}}}`,
		"no time":                  `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":"evil"}}}}}`,
		"the annotation of before": `{"spec":{"template":{"metadata":{"annotations":{"auth.grantkeeper.dev/restarted-at":null}}}}}`,
		"the strategy":             `{"spec":{"minReadySeconds":7,"template":{"metadata":{` + restart + `}}}}`,
		"a label":                  `{"metadata":{"labels":{"evil":"true"}},"spec":{"template":{"metadata":{` + restart + `}}}}`,
		"the permission itself":    `{"metadata":{"annotations":{"evil":"true"}},"spec":{"template":{"metadata":{` + restart + `}}}}`,
		"an owner":                 `{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"evil","uid":"evil"}]},"spec":{"template":{"metadata":{` + restart + `}}}}`,
		"a finalizer":              `{"metadata":{"finalizers":["example.com/evil"]},"spec":{"template":{"metadata":{` + restart + `}}}}`,
	}
}

func TestWithoutTheValueTheOperatorMayTouchNoWorkload(t *testing.T) {
	t.Parallel()
	for _, object := range render(t, "--set", "namespaces={team-a}") {
		if strings.Contains(object.GetName(), "rollout") {
			t.Errorf("%s %q is rendered", object.GetKind(), object.GetName())
		}
	}
}

func TestThePermissionToRestartIsNeverWithoutItsPolicy(t *testing.T) {
	t.Parallel()
	found := 0
	for _, object := range render(t, "--set", "namespaces={team-a},rolloutRestarts.enabled=true,admissionPolicy.enabled=false") {
		if strings.HasPrefix(object.GetKind(), "ValidatingAdmissionPolicy") {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d of policy and binding are rendered", found)
	}
}
