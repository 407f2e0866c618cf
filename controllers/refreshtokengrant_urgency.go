package controllers

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/pacing"
)

const (
	// nothingDue is that of a grant without a Secret.
	nothingDue = 1
	// untilFirst stands for the time left of a token that there has never been: a workload may be
	// waiting for it, but none has lost what it had.
	untilFirst = time.Minute
)

// Urgency is how soon a grant is to be looked at: after an outage those first whose token has expired
// or is about to.
func (r *RefreshTokenGrants) Urgency(of reconcile.Request) int {
	t, ok := r.Directory.Tenant(of.Namespace)
	if !ok {
		return nothingDue
	}
	g, ok := t.Grant(of.Name)
	if !ok {
		return nothingDue
	}
	return urgency(g.Spec.Target, &g.Status, r.Clock.Now())
}

func urgency(target *v1alpha1.GrantTarget, status *v1alpha1.RefreshTokenGrantStatus, now time.Time) int {
	switch {
	case target == nil:
		return nothingDue
	case status.NotAfter == nil:
		return pacing.Urgency(untilFirst)
	}
	return pacing.Urgency(status.NotAfter.Sub(now))
}

// begin notes the version that a namespace's grants have now that this replica leads there. It is read
// past the cache. Where that fails nothing is known of it, and every grant without a token is looked at
// past the cache.
func (r *RefreshTokenGrants) begin(ctx context.Context, namespace string) {
	grants := &metav1.PartialObjectMetadataList{}
	grants.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RefreshTokenGrantList"))
	if err := r.Live.List(ctx, grants, client.InNamespace(namespace), client.Limit(1)); err != nil {
		log.FromContext(ctx).Info("The version of the grants could not be read", "error", err.Error())
		return
	}
	r.since = grants.ResourceVersion
}
