package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// Common is what the controllers of one set of tenants share.
type Common struct {
	Directory *directory.Directory
	// Client writes to the tenants' namespaces.
	Client  client.Client
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
	if err := c.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), fieldOwner); client.IgnoreNotFound(err) != nil {
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

// until is how long to wait for a moment; zero, which means not at all, for none and for one that
// has passed.
func until(moment *metav1.Time, now time.Time) time.Duration {
	if moment == nil {
		return 0
	}
	return max(0, moment.Sub(now))
}
