package controllers

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// concurrent is how many grants are brought in at a time: each waits for the API server twice, and
// that is where the time goes. The other controllers have little to do.
const concurrent = 16

// A failed reconcile is tried again after firstRetry, and then after twice as long each time, up to
// lastRetry: however long the API server was away, a token that is due is renewed this soon after.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 15 * time.Second
)

// Set is all controllers of one set of tenants.
type Set struct {
	Tenants  *Tenants
	Users    *AuthUsers
	Clients  *AuthClients
	Grants   *RefreshTokenGrants
	Rollouts *RolloutRestarts
	Sweeper  *Sweeper
}

// Run runs the controllers until the context ends or one of them fails. It is for the leader. Scope
// says which namespaces are theirs: the one that is named, or where that is empty all.
func (s *Set) Run(ctx context.Context, d *directory.Directory, namespace string, scope Scope) error {
	s.Grants.begin(ctx, namespace)
	group, ctx := errgroup.WithContext(ctx)
	start(ctx, group, d, scope, "tenant/"+namespace, 1, s.Tenants)
	start(ctx, group, d, scope, "authuser/"+namespace, 4, s.Users)
	start(ctx, group, d, scope, "authclient/"+namespace, 4, s.Clients)
	start(ctx, group, d, scope, "refreshtokengrant/"+namespace, concurrent, s.Grants)
	start(ctx, group, d, scope, "rolloutrestart/"+namespace, 2, s.Rollouts)
	start(ctx, group, d, scope, "sweeper/"+namespace, 2, s.Sweeper)
	return group.Wait()
}

// start runs one controller over the changes in the directory.
func start[request comparable](
	ctx context.Context, group *errgroup.Group, d *directory.Directory, scope Scope, name string, workers int, of follower[request],
) {
	group.Go(func() error { return run(ctx, name, workers, of, changes(d, scope, of)) })
}

// run runs one controller over its sources until the context ends.
func run[request comparable](
	ctx context.Context, name string, workers int, reconciler reconcile.TypedReconciler[request], sources ...source.TypedSource[request],
) error {
	c, err := controller.NewTypedUnmanaged(name, controller.TypedOptions[request]{
		Reconciler:              reconciler,
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[request](firstRetry, lastRetry),
		Logger:                  log.FromContext(ctx),
		// A replica may lead more than once.
		SkipNameValidation: new(true),
	})
	if err != nil {
		return fmt.Errorf("make controller %q: %w", name, err)
	}
	for _, from := range sources {
		if err := c.Watch(from); err != nil {
			return fmt.Errorf("watch for controller %q: %w", name, err)
		}
	}
	if err := c.Start(ctx); err != nil {
		return fmt.Errorf("run controller %q: %w", name, err)
	}
	return nil
}
