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
	"github.com/grantkeeper/grantkeeper/internal/keys"
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
	if err := errors.Join(err, statusErr); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: until(now, nextLook(status.Conditions, now))}, nil
}

func (r *AuthClients) status(ctx context.Context, t *directory.Tenant, c *directory.Client, now time.Time) (v1alpha1.AuthClientStatus, error) {
	standing := t.ClientStanding(c)
	status := v1alpha1.AuthClientStatus{
		ObservedGeneration: c.Generation,
		ClientID:           c.EffectiveClientID(),
		GeneratedAt:        c.Status.GeneratedAt,
	}
	if isDuplicate(standing) {
		status.ClientID = ""
	}
	if standing.Good() {
		_, standing = t.RingStanding() // without it the endpoint serves nobody of this tenant
	}
	var err error
	if standing.Good() {
		if status.GeneratedAt, standing, err = r.secret(ctx, t, c, now); err != nil {
			standing = backOff
		}
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
func (r *AuthClients) secret(ctx context.Context, t *directory.Tenant, c *directory.Client, now time.Time) (*metav1.Time, directory.Standing, error) {
	if c.Spec.Secret == nil || c.Spec.Secret.Generate == nil {
		_, standing := t.ClientSecret(c)
		return nil, standing, nil
	}
	return r.keepGenerated(ctx, t, &generated{
		kind:   "AuthClient",
		id:     c.EffectiveClientID(),
		owner:  c,
		secret: c.Spec.Secret.Generate.SecretName,
		status: c.Status.GeneratedAt,
		live: func(ctx context.Context) (*metav1.Time, error) {
			live := &v1alpha1.AuthClient{}
			err := r.Live.Get(ctx, client.ObjectKeyFromObject(c.AuthClient), live)
			return live.Status.GeneratedAt, err
		},
		data: func(ring *keys.Ring, at time.Time) map[string][]byte {
			return map[string][]byte{
				v1alpha1.KeyClientID:     []byte(c.EffectiveClientID()),
				v1alpha1.KeyClientSecret: []byte(directory.GeneratedClientSecret(ring, c, at).Reveal()),
			}
		},
	}, now)
}
