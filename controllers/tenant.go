package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// Tenants keeps the keyring of every namespace that has an object of ours, one Secret in the
// operator's namespace, and writes the status of AuthTenants. A keyring that cannot be read is never
// changed or replaced, whatever is in it.
type Tenants struct {
	Common
	// Operator writes to the operator's own namespace, Keyrings reads the keyrings there from a cache,
	// and OperatorLive reads there and the tenants' namespaces themselves, past it.
	Operator     *secretwriter.Writer
	Keyrings     client.Reader
	OperatorLive client.Reader
	// OperatorEvents tells of keyrings where they are.
	OperatorEvents events.EventRecorder
	// OperatorNamespace is where keyrings are kept. It can never be a tenant.
	OperatorNamespace string
	// Issuer is the `iss` that the flags ask for, and where the tenant is served.
	Issuer func(namespace string) string
	// MinStandby and Retain bound a signing key's life at both ends; see keys.Policy.
	MinStandby, Retain time.Duration

	// warned holds what was last warned of, for every namespace that has been looked at since it came
	// into use.
	warned sync.Map
	own    ownWrites
}

// Requests maps a change to the tenant whose keyring or status may hang on it. Of users and grants
// only the first does.
func (r *Tenants) Requests(change directory.Change) []reconcile.Request {
	t, ok := r.Directory.Tenant(change.Namespace)
	if !ok || !t.InUse() {
		r.warned.Delete(change.Namespace)
		return nil
	}
	switch change.Kind {
	case directory.Tenants, directory.Clients, directory.Keyrings, directory.Namespaces:
		return requests("", change.Namespace)
	case directory.Users, directory.Grants:
		if _, known := r.warned.Load(change.Namespace); !known {
			return requests("", change.Namespace)
		}
	}
	return nil
}

// Reconcile brings the keyring of one tenant to what is due, and the status of its AuthTenant.
func (r *Tenants) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(request.Name)
	if !ok || !t.InUse() {
		r.warned.Delete(request.Name)
		return reconcile.Result{}, nil
	}
	r.warned.LoadOrStore(t.Namespace(), []notice(nil))
	now := r.Clock.Now()
	object, managed := t.AuthTenant()
	if managed && r.own.awaited(object, now) {
		return reconcile.Result{RequeueAfter: ownWritePoll}, nil
	}
	kept, standing, err := r.keep(ctx, t, now)
	if managed && object.DeletionTimestamp == nil {
		if err != nil {
			_, standing = t.RingStanding()
		}
		status := r.status(object, kept, standing, now)
		version, statusErr := applyStatus(ctx, r.Client, object, object.Status, status)
		r.own.wrote(client.ObjectKeyFromObject(object), version, now)
		if version != "" {
			r.tellBroken(object, object.Status.Conditions, status.Conditions)
		}
		err = errors.Join(err, statusErr)
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if !standing.Good() {
		return reconcile.Result{RequeueAfter: foreignPoll}, nil
	}
	return reconcile.Result{RequeueAfter: until(now, kept.next.Next, kept.revokeAt)}, nil
}

// keep decides on the keyring that is there and writes what comes of it. The standing is that of the
// keyring: why nothing can be written.
func (r *Tenants) keep(ctx context.Context, t *directory.Tenant, now time.Time) (keyringDecision, directory.Standing, error) {
	input, err := r.observe(ctx, t, now)
	if err != nil {
		return keyringDecision{}, directory.Standing{}, err
	}
	for range maxRaces {
		decision, err := input.decide(r.Rand)
		if err != nil {
			return keyringDecision{}, directory.Standing{}, err
		}
		r.warn(ctx, t, decision.warnings)
		if decision.problem != "" {
			return decision, r.unreadable(t, decision.problem), nil
		}
		result, err := r.write(ctx, input, decision)
		switch {
		case err != nil:
			return keyringDecision{}, directory.Standing{}, err
		case result.Outcome == secretwriter.OutcomeRaced:
			input.observed = result.Secret
			continue
		case result.Outcome == secretwriter.OutcomeRefused:
			return decision, keyringConflict(result.Secret.Name), nil
		case result.Outcome != secretwriter.OutcomeUnchanged:
			r.tell(ctx, t, result.Secret, decision.done)
		}
		r.readable(t, decision.ring)
		return decision, directory.Standing{}, nil
	}
	return keyringDecision{}, directory.Standing{}, errRaced
}

// observe reads all that the decision rests on.
func (r *Tenants) observe(ctx context.Context, t *directory.Tenant, now time.Time) (*keyringInput, error) {
	uid, observed, err := r.current(ctx, t.Namespace())
	if err != nil {
		return nil, err
	}
	settings := t.Settings()
	rotateEvery, err := settings.EffectiveRotateEvery().Parse()
	if err != nil {
		return nil, fmt.Errorf("spec.keys.rotateEvery: %w", err)
	}
	input := &keyringInput{
		tenant:   keys.Tenant{Namespace: t.Namespace(), UID: string(uid), Issuer: r.Issuer(t.Namespace())},
		observed: observed,
		policy:   keys.Policy{Algorithms: t.Algorithms(), RotateEvery: rotateEvery, MinStandby: r.MinStandby, Retain: r.Retain},
		now:      now,
	}
	if object, ok := t.AuthTenant(); ok {
		input.asked, _ = requestsOf(object)
	}
	input.others, err = r.others(ctx, t.Namespace(), keyrings.Name(t.Namespace(), string(uid)))
	return input, err
}

// current finds the uid of a namespace and the keyring of that uid; nil where there is none. That there
// is none, and for which uid one is to be made, is known from live reads.
func (r *Tenants) current(ctx context.Context, name string) (types.UID, *corev1.Secret, error) {
	if uid, known := r.Directory.NamespaceUID(name); known {
		secret, err := r.secret(ctx, keyrings.Name(name, string(uid)))
		if err != nil || secret != nil {
			return uid, secret, err
		}
	}
	namespace := &corev1.Namespace{}
	if err := r.OperatorLive.Get(ctx, types.NamespacedName{Name: name}, namespace); err != nil {
		return "", nil, fmt.Errorf("read the namespace: %w", err)
	}
	secret, err := r.secret(ctx, keyrings.Name(name, string(namespace.UID)))
	return namespace.UID, secret, err
}

func (r *Tenants) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	key := types.NamespacedName{Namespace: r.OperatorNamespace, Name: name}
	for _, reader := range []client.Reader{r.Keyrings, r.OperatorLive} {
		secret := &corev1.Secret{}
		err := reader.Get(ctx, key, secret)
		switch {
		case err == nil:
			return secret, nil
		case !apierrors.IsNotFound(err):
			return nil, fmt.Errorf("look for the keyring: %w", err)
		}
	}
	return nil, nil //nolint:nilnil // there is none: an answer, not a failure
}

// others are what else says that it is a keyring of the namespace.
func (r *Tenants) others(ctx context.Context, namespace, own string) ([]corev1.Secret, error) {
	list := &corev1.SecretList{}
	err := r.Keyrings.List(ctx, list, client.InNamespace(r.OperatorNamespace), client.MatchingLabels{
		v1alpha1.LabelCredential: v1alpha1.CredentialKeyring,
		v1alpha1.LabelTenant:     namespace,
	})
	if err != nil {
		return nil, fmt.Errorf("list the keyrings: %w", err)
	}
	var others []corev1.Secret
	for i := range list.Items {
		if list.Items[i].Name != own {
			others = append(others, list.Items[i])
		}
	}
	return others, nil
}

func (r *Tenants) write(ctx context.Context, input *keyringInput, decision keyringDecision) (secretwriter.Result, error) {
	content, err := keyrings.Content(decision.ring, decision.record)
	if err != nil {
		return secretwriter.Result{}, err
	}
	target := keyrings.Target(r.OperatorNamespace, input.tenant)
	result, err := r.Operator.Write(ctx, target, content, secretwriter.Observed{Secret: input.observed})
	if err != nil {
		return secretwriter.Result{}, fmt.Errorf("write the keyring: %w", err)
	}
	return result, nil
}

// unreadable lets every object of the tenant say that its keyring cannot be used, also where the
// Secret is not among those that replicas follow.
func (r *Tenants) unreadable(t *directory.Tenant, problem string) directory.Standing {
	_, standing := t.RingStanding()
	if standing.Reason != v1alpha1.ReasonKeyringUnreadable {
		r.Directory.SetRing(t.Namespace(), nil, errors.New(problem))
		_, standing = t.RingStanding()
	}
	return standing
}

// readable takes that back where the keyring has come to be good: who follows it may have told so
// before.
func (r *Tenants) readable(t *directory.Tenant, ring *keys.Ring) {
	if _, standing := t.RingStanding(); standing.Reason == v1alpha1.ReasonKeyringUnreadable {
		r.Directory.SetRing(t.Namespace(), ring, nil)
	}
}
