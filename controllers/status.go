package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// fieldOwner is the name under which the API server records what the controllers apply.
const fieldOwner = client.FieldOwner("grantkeeper")

// applyStatus writes the whole status of an object, where it differs from the one it has. A status
// is computed, never read back and changed, so the apply takes every field by force. It returns the
// version that the object has then, which is empty where nothing was written.
func applyStatus[status any](ctx context.Context, c client.Client, object client.Object, current, desired status) (version string, err error) {
	if equality.Semantic.DeepEqual(current, desired) {
		return "", nil
	}
	converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&desired)
	if err != nil {
		return "", fmt.Errorf("convert the status: %w", err)
	}
	kind, err := apiutil.GVKForObject(object, c.Scheme())
	if err != nil {
		return "", fmt.Errorf("find the kind: %w", err)
	}
	applied := &unstructured.Unstructured{Object: map[string]any{"status": converted}}
	applied.SetGroupVersionKind(kind)
	applied.SetNamespace(object.GetNamespace())
	applied.SetName(object.GetName())
	// An object that was deleted meanwhile has no status to apply; the API server says so.
	err = c.SubResource("status").Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), fieldOwner, client.ForceOwnership)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("apply the status: %w", err)
	}
	return applied.GetResourceVersion(), nil
}

// backOff is the standing of an object whose Secret could not be written.
var backOff = directory.Standing{Reason: v1alpha1.ReasonBackingOff, Message: "The last write failed; it is tried again."}

// ready forms the Ready condition from a standing.
func ready(standing directory.Standing, whenGood directory.Standing) metav1.Condition {
	if !standing.Good() {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: standing.Reason, Message: standing.Message}
	}
	return metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: whenGood.Reason, Message: whenGood.Message}
}

// conditions lays the new conditions over the old ones, so that the time of the last transition
// stays where the status does, and drops those that are not given.
func conditions(old []metav1.Condition, object client.Object, now metav1.Time, wanted ...metav1.Condition) []metav1.Condition {
	result := make([]metav1.Condition, 0, len(wanted))
	for _, condition := range wanted {
		condition.ObservedGeneration = object.GetGeneration()
		condition.LastTransitionTime = metav1.NewTime(now.Truncate(1e9))
		if before := meta.FindStatusCondition(old, condition.Type); before != nil && before.Status == condition.Status {
			condition.LastTransitionTime = before.LastTransitionTime
		}
		result = append(result, condition)
	}
	return result
}
