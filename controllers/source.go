package controllers

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// Scope tells which namespaces a set of controllers is responsible for.
type Scope func(namespace string) bool

// changes is a source that asks, for every change in the directory, which requests it leads to.
// What is in the directory when the source starts counts as changed.
func changes[request comparable](d *directory.Directory, scope Scope, requests func(directory.Change) []request) source.TypedSource[request] {
	return source.TypedFunc[request](func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[request]) error {
		unsubscribe := d.Subscribe(func(change directory.Change) {
			if !scope(change.Namespace) {
				return
			}
			for _, r := range requests(change) {
				queue.Add(r)
			}
		})
		context.AfterFunc(ctx, unsubscribe)
		return nil
	})
}
