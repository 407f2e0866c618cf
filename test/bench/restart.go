package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// The figures of a restart.
const (
	syncedWithin = 10000 // milliseconds
	resident     = 200   // MiB
)

// measureRestart restarts the operator and looks for what that changed.
func measureRestart(ctx context.Context, w *world, t *table) error {
	before, err := w.versions(ctx)
	if err != nil {
		return err
	}
	if err := w.operator.Stop(); err != nil {
		return err
	}
	started := time.Now()
	if err := w.startOperator(ctx); err != nil {
		return err
	}
	ready := time.Since(started)
	// What there was is queued before what comes: once a new grant has its Secret, all others have
	// been looked at.
	if _, err := w.bring(ctx, applied("restarted", user)); err != nil {
		return err
	}
	after, err := w.versions(ctx)
	if err != nil {
		return err
	}
	var changed int64
	for name, version := range before {
		if after[name] != version {
			changed++
		}
	}
	now, peak, err := residentOf(w.operator.PID())
	if err != nil {
		return err
	}
	t.countAtMost(fmt.Sprintf("restart: of %d objects, written anew", len(before)), changed, 0)
	t.atMost("restart: caches synced after", milliseconds(ready), syncedWithin, "ms")
	t.atMost("restart: resident memory with all of these", now, resident, "MiB")
	t.tell("  at its peak", fmt.Sprintf("%.1f MiB", peak))
	return nil
}

// versions are the resourceVersions of all that the operator writes in the tenant.
func (w *world) versions(ctx context.Context) (map[string]string, error) {
	versions := map[string]string{}
	for _, kind := range []schema.GroupVersionKind{
		v1alpha1.GroupVersion.WithKind("AuthUserList"),
		v1alpha1.GroupVersion.WithKind("AuthClientList"),
		v1alpha1.GroupVersion.WithKind("RefreshTokenGrantList"),
		corev1.SchemeGroupVersion.WithKind("SecretList"),
	} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind)
		if err := w.client.List(ctx, list, client.InNamespace(tenantNamespace)); err != nil {
			return nil, fmt.Errorf("read a %s: %w", kind.Kind, err)
		}
		for i := range list.Items {
			versions[kind.Kind+" "+list.Items[i].Name] = list.Items[i].ResourceVersion
		}
	}
	return versions, nil
}
