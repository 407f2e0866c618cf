package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// Common is what the controllers of one set of tenants share.
type Common struct {
	Directory *directory.Directory
	// Client writes to the tenants' namespaces.
	Client client.Client
	// Live reads there past the cache: what is not in the cache need not be absent.
	Live    client.Reader
	Secrets *secretwriter.Writer
	Events  events.EventRecorder
	Clock   clock.PassiveClock
	Rand    io.Reader
}

// patchSpec sets fields of a spec under the resourceVersion of object, which it changes to what the
// API server answers.
func (c *Common) patchSpec(ctx context.Context, object client.Object, fields map[string]any) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": object.GetResourceVersion()},
		"spec":     fields,
	})
	if err != nil {
		return fmt.Errorf("form the patch: %w", err)
	}
	err = c.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), fieldOwner)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // what it is now, or that it is gone, is on its way as an event
	}
	if err != nil {
		return fmt.Errorf("write the spec: %w", err)
	}
	return nil
}

// requests names objects of one namespace.
func requests(namespace string, names ...string) []reconcile.Request {
	all := make([]reconcile.Request, len(names))
	for i, name := range names {
		all[i].NamespacedName = types.NamespacedName{Namespace: namespace, Name: name}
	}
	return all
}

// maxPoll is the longest an object is left alone that something is due for: timers stand still
// while a machine sleeps and do not follow a clock that is set, so the wall clock is looked at this
// often.
const maxPoll = 2 * time.Minute

// until is how long to wait for the first of the moments that lie ahead, at most maxPoll; zero,
// which means not at all, where there is none.
func until(now time.Time, moments ...time.Time) (wait time.Duration) {
	for _, moment := range moments {
		if left := moment.Sub(now); left > 0 && (wait == 0 || left < wait) {
			wait = left
		}
	}
	return min(wait, maxPoll)
}

// endOf is an optional end; zero where there is none.
func endOf(end *metav1.Time) time.Time {
	if end == nil {
		return time.Time{}
	}
	return end.Time
}

// nextLook is when to look again at a Secret that is in the way; zero where a condition tells of
// none.
func nextLook(conditions []metav1.Condition, now time.Time) time.Time {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason != v1alpha1.ReasonTargetConflict {
		return time.Time{}
	}
	return now.Add(foreignPoll)
}
