package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// Tenants gives every namespace that has an object of ours its keyring, one Secret in the operator's
// namespace. A keyring that is there is never changed or replaced, whatever is in it.
type Tenants struct {
	Common
	// Operator writes to the operator's own namespace, and OperatorLive reads there and the tenants'
	// namespaces themselves, past the cache.
	Operator     *secretwriter.Writer
	OperatorLive client.Reader
	// OperatorNamespace is where keyrings are kept. It can never be a tenant.
	OperatorNamespace string
	// Issuer is the `iss` of a new tenant's tokens.
	Issuer func(namespace string) string

	// confirmed holds the tenants whose keyring was found to be their namespace's own, for as long as
	// they are in use: a namespace that was deleted meanwhile has lost all its objects.
	confirmed sync.Map
}

// Requests maps a change to the tenant that it may be the first object of.
func (r *Tenants) Requests(change directory.Change) []reconcile.Request {
	switch change.Kind {
	case directory.Users, directory.Clients, directory.Grants, directory.Keyrings:
		return requests("", change.Namespace)
	}
	return nil
}

// Reconcile makes the keyring of one tenant where it has none.
func (r *Tenants) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(request.Name)
	if !ok || !t.InUse() {
		r.confirmed.Delete(request.Name)
		return reconcile.Result{}, nil
	}
	ring, err := t.Ring()
	if _, confirmed := r.confirmed.Load(request.Name); confirmed && !errors.Is(err, directory.ErrNoKeyring) {
		return reconcile.Result{}, nil
	}
	namespace := &corev1.Namespace{}
	if err := r.OperatorLive.Get(ctx, types.NamespacedName{Name: request.Name}, namespace); err != nil {
		return reconcile.Result{}, fmt.Errorf("read the namespace: %w", err)
	}
	if err == nil && ring.Tenant().UID == string(namespace.UID) {
		r.confirmed.Store(request.Name, true)
		r.tellIssuer(ctx, ring)
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, r.ensure(ctx, namespace)
}

// ensure makes the keyring of a namespace where there is none.
func (r *Tenants) ensure(ctx context.Context, namespace *corev1.Namespace) error {
	key := types.NamespacedName{Namespace: r.OperatorNamespace, Name: keyrings.Name(namespace.Name, string(namespace.UID))}
	there := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	err := r.OperatorLive.Get(ctx, key, there)
	switch {
	case apierrors.IsNotFound(err):
		return r.create(ctx, namespace)
	case err != nil:
		return fmt.Errorf("look for the keyring: %w", err)
	case !keyrings.IsLabelled(there.Labels, namespace.Name):
		// Every object of the tenant tells so, until its labels are back and the cache has it again.
		r.Directory.SetRing(namespace.Name, nil, fmt.Errorf("Secret %q has lost its labels; it needs %s=%s and %s=%s", //nolint:staticcheck // Secret is a kind
			key.Name, v1alpha1.LabelCredential, v1alpha1.CredentialKeyring, v1alpha1.LabelTenant, namespace.Name))
	}
	// It was made a moment ago and the cache is about to see it, or it cannot be read and a person has
	// to look at it.
	r.confirmed.Store(namespace.Name, true)
	return nil
}

func (r *Tenants) create(ctx context.Context, namespace *corev1.Namespace) error {
	tenant := keys.Tenant{Namespace: namespace.Name, UID: string(namespace.UID), Issuer: r.Issuer(namespace.Name)}
	ring, err := keys.Generate(r.Rand, r.Clock.Now(), tenant, []keys.Algorithm{keys.ES256, keys.RS256})
	if err != nil {
		return fmt.Errorf("make the keyring: %w", err)
	}
	content, err := keyrings.Content(ring)
	if err != nil {
		return err
	}
	// Nothing was observed, so the writer can only create: a keyring that another leader has just
	// made stays as it is.
	result, err := r.Operator.Write(ctx, keyrings.Target(r.OperatorNamespace, tenant), content, secretwriter.Observed{})
	if err != nil {
		return fmt.Errorf("write the keyring: %w", err)
	}
	if result.Outcome == secretwriter.OutcomeCreated {
		log.FromContext(ctx).Info("Made the keyring of a new tenant", "tenant", tenant.Namespace, "issuer", tenant.Issuer)
		r.Audit.Record(ctx, audit.Record{Event: audit.KeyringChanged, Tenant: tenant.Namespace, Secret: result.Secret.Name, Reason: "KeysMade"})
	}
	return nil
}

// tellIssuer tells that the operator's flags ask for another issuer than the one the tenant's tokens
// carry: the tenant keeps it, because validators compare it byte for byte.
func (r *Tenants) tellIssuer(ctx context.Context, ring *keys.Ring) {
	if held, asked := ring.Tenant().Issuer, r.Issuer(ring.Tenant().Namespace); held != asked {
		log.FromContext(ctx).Info("The tenant keeps its issuer, which differs from what the flags ask for", "issuer", held, "asked", asked)
	}
}
