package controllers

import (
	"context"
	"slices"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// Scope tells which namespaces a set of controllers is responsible for.
type Scope func(namespace string) bool

// follower is a controller that is told of changes.
type follower[request comparable] interface {
	reconcile.TypedReconciler[request]
	// Requests maps a change to the requests that it leads to.
	Requests(change directory.Change) []request
}

// ranking is a follower whose requests are not equally urgent. A request without a rank has zero.
type ranking[request comparable] interface {
	// Urgency is the rank of a request: the most urgent that is due is the next to be reconciled.
	Urgency(of request) int
}

// reaching is a follower whose requests may be about objects in another namespace than the change.
type reaching[request comparable] interface {
	// Place is the namespace of a request's object.
	Place(of request) string
}

// requestsIn asks which requests in the scope a change leads to. What happens elsewhere leads to none,
// unless the controller reaches that far.
func requestsIn[request comparable](scope Scope, of follower[request], change directory.Change) []request {
	if far, reaches := of.(reaching[request]); reaches {
		return slices.DeleteFunc(of.Requests(change), func(r request) bool { return !scope(far.Place(r)) })
	}
	if !scope(change.Namespace) {
		return nil
	}
	return of.Requests(change)
}

// changes is a source that asks, for every change in the directory, which requests it leads to.
// What is in the directory when the source starts counts as changed.
func changes[request comparable](d *directory.Directory, scope Scope, of follower[request]) source.TypedSource[request] {
	return source.TypedFunc[request](func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[request]) error {
		add := adding(queue, of)
		unsubscribe := d.Subscribe(func(change directory.Change) {
			for _, r := range requestsIn(scope, of, change) {
				add(r)
			}
		})
		context.AfterFunc(ctx, unsubscribe)
		return nil
	})
}

// adding adds requests to a queue, by their rank where they have one.
func adding[request comparable](queue workqueue.TypedRateLimitingInterface[request], of follower[request]) func(request) {
	ranked, isRanked := of.(ranking[request])
	queueOfRanks, hasRanks := queue.(priorityqueue.PriorityQueue[request])
	if !isRanked || !hasRanks {
		return queue.Add
	}
	return func(r request) {
		queueOfRanks.AddWithOpts(priorityqueue.AddOpts{Priority: new(ranked.Urgency(r))}, r)
	}
}
