package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/pacing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// RefreshTokenGrants keeps the Secret of every grant that has one fresh, and writes the grants'
// status. The token in the Secret is the record: what the next one is follows from it.
type RefreshTokenGrants struct {
	Common
	Issuing *issuing.Service
	// AwaitTrust makes a Secret wait for the CA bundle that it is to hold. It is for an operator that
	// makes its own; where somebody else brings the certificate, a late one must stop no renewal.
	AwaitTrust bool
	// Hold is how long the operator's own next authority is in the bundle before it serves, as in
	// certificates.Wanted.
	Hold time.Duration
	// Metrics counts what becomes of the Secrets; nil: nobody does.
	Metrics *metrics.Delivery

	own          ownWrites
	repairs      repairs
	distribution distribution
	// since is the version of the namespace's grants from which on this replica leads; empty where it
	// is not known.
	since string
}

// Requests maps a change to the grants that it concerns, in its own namespace and in others.
func (r *RefreshTokenGrants) Requests(change directory.Change) []reconcile.Request {
	all := r.inNamespace(change)
	for _, g := range r.Directory.CrossingGrants(change) {
		all = append(all, requests(g.Namespace, g.Name)...)
	}
	return all
}

// Place is where the grant of a request is.
func (r *RefreshTokenGrants) Place(of reconcile.Request) string { return of.Namespace }

func (r *RefreshTokenGrants) inNamespace(change directory.Change) []reconcile.Request {
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok {
		return nil
	}
	switch change.Kind {
	case directory.Grants:
		return requests(change.Namespace, change.Name)
	case directory.Users:
		return requests(change.Namespace, t.GrantsOfUser(change.Name)...)
	case directory.Clients:
		return requests(change.Namespace, t.GrantsOfClient(change.Name)...)
	case directory.Secrets:
		return requests(change.Namespace, t.GrantsWithTarget(change.Name)...)
	case directory.Keyrings, directory.Tenants, directory.Trust:
		return requests(change.Namespace, t.GrantNames()...)
	}
	return nil
}

// Reconcile brings one grant's Secret and status to what is asked for.
func (r *RefreshTokenGrants) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	home, ok := r.Directory.Tenant(request.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	g, ok := home.Grant(request.Name)
	if !ok || g.DeletionTimestamp != nil {
		r.own.forget(request.NamespacedName)
		r.repairs.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	now := r.Clock.Now()
	if r.own.awaited(g.RefreshTokenGrant, now) {
		return reconcile.Result{RequeueAfter: ownWritePoll}, nil
	}
	if r.Directory.IsAwaited(g.UserNamespace()) {
		return reconcile.Result{}, nil // nothing can be said of the grant yet; that it has been read is a change
	}
	wrote, err := r.complete(ctx, r.Directory.TenantOf(g), g)
	if wrote {
		return reconcile.Result{}, nil
	}
	outcome := outcome{standing: pending}
	if err == nil {
		outcome, err = r.bring(ctx, home, g, now)
		switch {
		case errors.Is(err, errGone):
			return reconcile.Result{}, nil // that is on its way as a change
		case err != nil:
			outcome = outcome.backingOff()
		}
	}
	status := grantStatus(g, outcome, r.Clock.Now()) // by when the Secret has been written
	if err := errors.Join(err, r.writeStatus(ctx, g, status, now)); err != nil {
		r.Metrics.Failed(err)
		return reconcile.Result{Priority: new(pacing.AfterFailure(urgency(g.Spec.Target, &g.Status, now)))}, err
	}
	after := until(now, append(outcome.next(g, now), nextLook(status.Conditions, now))...)
	return reconcile.Result{RequeueAfter: after, Priority: new(urgency(g.Spec.Target, &status, now.Add(after)))}, nil
}

// writeStatus applies a grant's status, and remembers that it is on its way. The condition that
// RolloutRestarts writes is neither looked at nor touched.
func (r *RefreshTokenGrants) writeStatus(ctx context.Context, g *directory.Grant, status v1alpha1.RefreshTokenGrantStatus, now time.Time) error {
	current := *g.Status.DeepCopy()
	meta.RemoveStatusCondition(&current.Conditions, v1alpha1.ConditionRestartTriggered)
	version, err := applyStatus(ctx, r.Client, g.RefreshTokenGrant, current, status)
	key := client.ObjectKeyFromObject(g.RefreshTokenGrant)
	if err != nil {
		r.own.doubted(key)
		return err
	}
	r.own.wrote(key, version, now)
	r.tellRevoked(g, status.Conditions)
	if version != "" && !g.EndpointMade() { // nobody mends a login: it ends, and there is another
		r.tellBroken(g.RefreshTokenGrant, current.Conditions, status.Conditions)
	}
	return nil
}

// complete writes into a spec what the operator adds to it: the id, once, and the version of the key
// that a delivered refresh token is made with, which is the tenant's to tell, anew where an emergency has
// taken that away. Where it has written, the change comes back as an event.
func (r *RefreshTokenGrants) complete(ctx context.Context, t *directory.Tenant, g *directory.Grant) (wrote bool, err error) {
	changed := g.RefreshTokenGrant.DeepCopy()
	if g.Spec.ID == "" {
		id, err := uuid.NewRandomFromReader(r.Rand)
		if err != nil {
			return false, fmt.Errorf("make an id: %w", err)
		}
		changed.Spec.ID, wrote = id.String(), true
	}
	if _, permitted := t.UserOf(g); permitted && g.Spec.DeliversRefreshToken() {
		ring, err := t.Ring()
		if version := g.Spec.RefreshToken.KeyVersion; err == nil && (version == 0 || ring.GaveUpRefresh(version)) {
			changed.Spec.RefreshToken.KeyVersion, wrote = ring.NewestRefresh(), true
		}
	}
	if !wrote {
		return false, nil
	}
	err = r.patchSpec(ctx, g.RefreshTokenGrant, changed)
	return err == nil, err
}

// pending is the standing of a grant into whose spec the operator could not write what it adds.
var pending = directory.Standing{
	Reason:  v1alpha1.ReasonPending,
	Message: "spec.id or spec.refreshToken.keyVersion could not be written yet; it is tried again",
}

// outcome is what a reconcile has come to.
type outcome struct {
	standing directory.Standing
	terms    issuing.Terms
	// decision is nil where no Secret was looked at: the status keeps what it knows of the token.
	decision *revision.Decision
	// good tells that the Secret holds a token that nothing speaks against but its age.
	good bool
	// flaw is what of the Secret could not be made: its token is renewed all the same.
	flaw directory.Standing
	// failed tells that the API server did not do what it was asked.
	failed bool
	// drift tells how the Secret stands with somebody else who writes it.
	drift drift
	// bundleAt is when the Secret is to hold another CA bundle; zero where nothing says so.
	bundleAt time.Time
	// retryAfter is when to try again where that is known.
	retryAfter time.Duration
}

// backingOff is the outcome where the API server failed: the grant is as good as the token that the
// Secret was seen to hold.
func (o outcome) backingOff() outcome {
	o.failed, o.decision = true, nil
	if !o.good {
		o.standing = backOff
	}
	return o
}

// bring decides what the grant's Secret should hold and writes it. home is where grant and Secret
// are; what the token says is up to the tenant of its user.
func (r *RefreshTokenGrants) bring(ctx context.Context, home *directory.Tenant, g *directory.Grant, now time.Time) (outcome, error) {
	t := r.Directory.TenantOf(g)
	terms, standing := issuing.GrantTerms(t, g, now)
	if standing.Reason == v1alpha1.ReasonRefNotPermitted && r.mayBeThere(g, now) {
		return outcome{standing: unreadable(), retryAfter: foreignPoll}, nil // that it is known again may be no change
	}
	name, hasTarget := g.TargetName()
	if !standing.Good() || !hasTarget {
		return outcome{standing: standing, terms: terms}, nil
	}
	ring, standing := t.RingStanding()
	trust, known := r.Directory.Trust()
	if !standing.Good() || !known && r.AwaitTrust || g.Spec.DeliversRefreshToken() && g.Spec.RefreshToken.KeyVersion == 0 {
		return outcome{standing: notReady(standing), terms: terms}, nil
	}
	d := delivery{RefreshTokenGrants: r, home: home, tenant: t, ring: ring, grant: g, terms: terms, trust: trust, trustKnown: known, now: now}
	observed, _ := home.Secret(name)
	var last outcome
	for range maxRaces {
		result, o, err := d.attempt(ctx, observed)
		if err != nil || result.Outcome != secretwriter.OutcomeRaced {
			return o, err
		}
		observed, last = result.Secret, o
	}
	return last, errRaced
}

// mayBeThere tells whether a user or client of another namespace that was not found may be there all the
// same, because that namespace is not known as it is now. Whoever was permitted before may be told so; to
// all others they are as good as absent.
func (r *RefreshTokenGrants) mayBeThere(g *directory.Grant, now time.Time) bool {
	namespace := g.UserNamespace()
	return g.CrossesFrom() != "" && g.Status.Username != "" && r.Directory.IsWatched(namespace) && r.Directory.Known(namespace, now) != nil
}

func unreadable() directory.Standing {
	return directory.Standing{Reason: v1alpha1.ReasonTenantNotReady, Message: "the namespace of the grant's user cannot be read at the moment"}
}

func notReady(standing directory.Standing) directory.Standing {
	if standing.Good() {
		return directory.Standing{Reason: v1alpha1.ReasonTenantNotReady, Message: "the operator is still starting"}
	}
	return standing
}
