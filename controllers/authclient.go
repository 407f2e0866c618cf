package controllers

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/rotation"
)

// AuthClients keeps the clients' generated secrets and writes their status.
type AuthClients struct {
	Common
	own ownWrites
}

// Requests maps a change to the clients that it concerns.
func (r *AuthClients) Requests(change directory.Change) []reconcile.Request {
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok {
		return nil
	}
	switch change.Kind {
	case directory.Clients:
		return requests(change.Namespace, change.Name)
	case directory.Secrets:
		return requests(change.Namespace, t.ClientsWithSecret(change.Name)...)
	case directory.Keyrings:
		return requests(change.Namespace, t.ClientNames()...)
	}
	return nil
}

// Reconcile brings one client to what its spec asks for.
func (r *AuthClients) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(request.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	c, ok := t.Client(request.Name)
	if !ok || c.DeletionTimestamp != nil {
		r.own.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	now := r.Clock.Now()
	if r.own.awaited(c.AuthClient, now) {
		return reconcile.Result{RequeueAfter: ownWritePoll}, nil
	}
	status, err := r.status(ctx, t, c, now)
	version, statusErr := applyStatus(ctx, r.Client, c.AuthClient, c.Status, status)
	r.own.wrote(request.NamespacedName, version, now)
	if version != "" {
		r.tellBroken(c.AuthClient, c.Status.Conditions, status.Conditions)
	}
	if err := errors.Join(err, statusErr); err != nil {
		return reconcile.Result{}, err
	}
	rotates, ends := nextTurns(c.Generated(), status.GeneratedAt, status.PreviousGeneratedAt)
	return reconcile.Result{RequeueAfter: until(now, rotates, ends, nextLook(status.Conditions, now))}, nil
}

func (r *AuthClients) status(ctx context.Context, t *directory.Tenant, c *directory.Client, now time.Time) (v1alpha1.AuthClientStatus, error) {
	standing := t.ClientStanding(c)
	status := v1alpha1.AuthClientStatus{
		ObservedGeneration: c.Generation,
		ClientID:           c.EffectiveClientID(),
	}
	if isDuplicate(standing) {
		status.ClientID = ""
	}
	if standing.Good() {
		_, standing = t.RingStanding() // without it the endpoint serves nobody of this tenant
	}
	generation := directory.GenerationOf(c.Status.GeneratedAt, c.Status.PreviousGeneratedAt)
	var err error
	if standing.Good() {
		if generation, standing, err = r.secret(ctx, t, c, now); err != nil {
			standing = backOff
		}
	}
	status.GeneratedAt, status.PreviousGeneratedAt = timeOf(generation.Current), timeOf(generation.Previous)
	if made := c.Generated(); made != nil {
		status.RotationTime = timeOf(made.Policy.RotationTime(generation))
	}
	good := directory.Standing{Reason: v1alpha1.ReasonAvailable, Message: "The client can authenticate."}
	wanted := []metav1.Condition{ready(standing, good)}
	if c.Spec.AllowsGrantType(v1alpha1.GrantTypePassword) {
		wanted = append(wanted, metav1.Condition{
			Type:    v1alpha1.ConditionPasswordGrant,
			Status:  metav1.ConditionTrue,
			Reason:  v1alpha1.ReasonOptedIn,
			Message: "The client sees its users' passwords; RFC 9700 section 2.4 advises against it.",
		})
	}
	status.Conditions = conditions(c.Status.Conditions, c, metav1.NewTime(now), wanted...)
	return status, err
}

// secret keeps a generated secret, or looks for the one that was given.
func (r *AuthClients) secret(ctx context.Context, t *directory.Tenant, c *directory.Client, now time.Time) (rotation.Generation, directory.Standing, error) {
	made := c.Generated()
	if made == nil {
		_, _, standing := t.ClientSecrets(c, now)
		return rotation.Generation{}, standing, nil
	}
	return r.keepGenerated(ctx, t, &generated{
		Generated: *made,
		owner:     c,
		live: func(ctx context.Context) (rotation.Generation, error) {
			live := &v1alpha1.AuthClient{}
			err := r.Live.Get(ctx, client.ObjectKeyFromObject(c.AuthClient), live)
			return directory.GenerationOf(live.Status.GeneratedAt, live.Status.PreviousGeneratedAt), err
		},
		beside: map[string]string{v1alpha1.KeyClientID: c.EffectiveClientID()},
	}, now)
}
