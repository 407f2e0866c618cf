package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/rollout"
)

// annotationRestartedByKubectl is where `kubectl rollout restart` records what it did.
const annotationRestartedByKubectl = "kubectl.kubernetes.io/restartedAt"

// workload is what the three kinds have in common.
type workload struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Template struct {
			Metadata metav1.ObjectMeta `json:"metadata"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		// Conditions are a Deployment's; the other kinds have none.
		Conditions []appsv1.DeploymentCondition `json:"conditions"`
	} `json:"status"`
}

// observe reads a workload past the cache: there is none for it.
func (r *RolloutRestarts) observe(ctx context.Context, of Workload) (*workload, error) {
	object := of.object()
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return nil, err
	}
	w := &workload{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, w); err != nil {
		return nil, fmt.Errorf("read what the API server gave: %w", err)
	}
	return w, nil
}

// restart changes the pod template as `kubectl rollout restart` does, under the version that was read:
// whoever has withdrawn the permission since is heard.
func (r *RolloutRestarts) restart(ctx context.Context, of Workload, w *workload, at time.Time) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": w.Metadata.ResourceVersion},
		"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			v1alpha1.AnnotationRestartedAt: at.UTC().Format(time.RFC3339),
		}}}},
	})
	if err != nil {
		return fmt.Errorf("form the patch: %w", err)
	}
	return r.Client.Patch(ctx, of.object(), client.RawPatch(types.MergePatchType, patch), fieldOwner)
}

// object is the workload's name as a client takes it.
func (of Workload) object() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind(string(of.Kind)))
	object.SetNamespace(of.Namespace)
	object.SetName(of.Name)
	return object
}

// permits tells whether whoever owns the workload lets grants restart it.
func (w *workload) permits() bool {
	return w.Metadata.Annotations[v1alpha1.AnnotationAllowRolloutRestart] == "true"
}

// record is what the workload tells about its pods.
func (w *workload) record() rollout.Workload {
	record := rollout.Workload{
		StartedAt:   w.Metadata.CreationTimestamp.Time,
		RestartedAt: w.annotatedTime(v1alpha1.AnnotationRestartedAt),
	}
	if byKubectl := w.annotatedTime(annotationRestartedByKubectl); byKubectl.After(record.StartedAt) {
		record.StartedAt = byKubectl
	}
	for _, condition := range w.Status.Conditions {
		if condition.Type == appsv1.DeploymentAvailable && condition.Status == corev1.ConditionTrue {
			record.AvailableSince = condition.LastTransitionTime.Time
		}
	}
	return record
}

// annotatedTime is a time on the pod template; zero where there is none that can be read.
func (w *workload) annotatedTime(annotation string) time.Time {
	at, err := time.Parse(time.RFC3339, w.Spec.Template.Metadata.Annotations[annotation])
	if err != nil {
		return time.Time{}
	}
	return at
}
