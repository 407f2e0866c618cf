package main

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// awaitReady starts to watch the grants of some names and gives the function that waits until all
// of them are Ready.
func (w *world) awaitReady(ctx context.Context, names []string) (wait func() error, err error) {
	return w.await(ctx, names, func(g *v1alpha1.RefreshTokenGrant) bool {
		return meta.IsStatusConditionTrue(g.Status.Conditions, v1alpha1.ConditionReady)
	})
}

// awaitSettled is awaitReady for grants that cannot be: it waits until each says why.
func (w *world) awaitSettled(ctx context.Context, names []string) (wait func() error, err error) {
	return w.await(ctx, names, func(g *v1alpha1.RefreshTokenGrant) bool {
		ready := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == v1alpha1.ReasonUserNotReady
	})
}

// await follows the grants as a controller does: the API server drops a watch that falls behind,
// and an informer starts another one.
func (w *world) await(ctx context.Context, names []string, done func(*v1alpha1.RefreshTokenGrant) bool) (wait func() error, err error) {
	missing := &missing{names: make(map[string]bool, len(names)), none: make(chan struct{})}
	for _, name := range names {
		missing.names[name] = true
	}
	look := func(object any) {
		if g, ok := object.(*v1alpha1.RefreshTokenGrant); ok && done(g) {
			missing.found(g.Name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	_, informer := toolscache.NewInformerWithOptions(toolscache.InformerOptions{
		ListerWatcher: w.grants(),
		ObjectType:    &v1alpha1.RefreshTokenGrant{},
		Handler: toolscache.ResourceEventHandlerFuncs{
			AddFunc:    look,
			UpdateFunc: func(_, updated any) { look(updated) },
		},
	})
	go informer.RunWithContext(ctx)
	if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		cancel()
		return nil, fmt.Errorf("read the grants: %w", ctx.Err())
	}
	return func() error {
		defer cancel()
		select {
		case <-missing.none:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for %d grants, of which %d are missing: %w", len(names), missing.count(), ctx.Err())
		}
	}, nil
}

// grants lists and watches those of the tenant.
func (w *world) grants() toolscache.ListerWatcher {
	options := func(raw *metav1.ListOptions) []client.ListOption {
		return []client.ListOption{client.InNamespace(tenantNamespace), &client.ListOptions{Raw: raw}}
	}
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, raw metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.RefreshTokenGrantList{}
			return list, w.client.List(ctx, list, options(&raw)...)
		},
		WatchFuncWithContext: func(ctx context.Context, raw metav1.ListOptions) (watch.Interface, error) {
			return w.client.Watch(ctx, &v1alpha1.RefreshTokenGrantList{}, options(&raw)...)
		},
	}
}

// missing are names that are waited for.
type missing struct {
	mu    sync.Mutex
	names map[string]bool
	// none is closed once no name is left.
	none chan struct{}
}

func (m *missing) found(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.names[name] {
		return
	}
	delete(m.names, name)
	if len(m.names) == 0 {
		close(m.none)
	}
}

func (m *missing) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.names)
}
