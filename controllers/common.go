package controllers

import (
	"context"
	"fmt"
	"io"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/internal/audit"
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
	// Audit gets a line for what is delivered and for what becomes of keys; nil: nobody does.
	Audit *audit.Log
}

// patchSpec writes what changed differs in from object, under the resourceVersion of that.
func (c *Common) patchSpec(ctx context.Context, object, changed client.Object) error {
	err := c.Client.Patch(ctx, changed, client.MergeFromWithOptions(object, client.MergeFromWithOptimisticLock{}), fieldOwner)
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
