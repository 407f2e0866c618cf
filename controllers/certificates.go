package controllers

import (
	"context"
	"fmt"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// certificatesPoll is how often the wall clock is looked at: a timer of months stands still while a
// machine sleeps.
const certificatesPoll = time.Hour

// certificatesEvidence is what makes the serving Secret ours.
var certificatesEvidence = secretwriter.Evidence{Annotation: v1alpha1.AnnotationCertificateOf, Value: "endpoint"}

// Certificates keeps the operator's own authority and serving certificate in one Secret in its
// namespace. The endpoint of every replica serves from there, so no restart is needed. Without that
// Secret there is a new authority, which nobody trusts yet.
type Certificates struct {
	// Secret is where they are kept.
	Secret types.NamespacedName
	// Wanted is what the serving certificate has to be good for.
	Wanted certificates.Wanted
	// Reader reads the Secret, from the manager's cache.
	Reader client.Reader
	// Secrets writes it.
	Secrets *secretwriter.Writer
	Events  events.EventRecorder
	Clock   clock.PassiveClock
	Rand    io.Reader
}

// Run runs the controller until the context ends. It is for the leader. It looks at the Secret once
// at the start, when nothing may have happened yet, and whenever it changes in the cache.
func (c *Certificates) Run(ctx context.Context, secrets cache.Cache) error {
	isOurs := func(secret *corev1.Secret) bool { return client.ObjectKeyFromObject(secret) == c.Secret }
	atStart := source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		queue.Add(reconcile.Request{NamespacedName: c.Secret})
		return nil
	})
	onChange := source.Kind(secrets, &corev1.Secret{}, &handler.TypedEnqueueRequestForObject[*corev1.Secret]{}, predicate.NewTypedPredicateFuncs(isOurs))
	return run(ctx, "certificates", 1, c, atStart, onChange)
}

// Reconcile brings the Secret to what is due now.
func (c *Certificates) Reconcile(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
	observed, err := c.observe(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	now := c.Clock.Now()
	for range maxRaces {
		if verdict := c.verdict(observed); verdict != secretwriter.VerdictAbsent && verdict != secretwriter.VerdictOurs {
			standing := targetConflict(c.Secret, verdict)
			log.FromContext(ctx).Info("Certificates are not kept", "reason", standing.Reason, "message", standing.Message)
			c.warn(observed, standing.Reason, standing.Message)
			return reconcile.Result{RequeueAfter: foreignPoll}, nil
		}
		bundle, done, err := c.decide(observed, now)
		if err != nil {
			c.warn(observed, "Unreadable", "Certificates are left as they are: "+err.Error())
			return reconcile.Result{}, reconcile.TerminalError(err)
		}
		result, err := c.apply(ctx, bundle, observed)
		if err != nil {
			return reconcile.Result{}, err
		}
		if result.Outcome == secretwriter.OutcomeRaced {
			observed = result.Secret
			continue
		}
		c.tell(ctx, result.Secret, done)
		return reconcile.Result{RequeueAfter: min(certificatesPoll, certificates.Due(bundle, c.Wanted).Sub(now))}, nil
	}
	return reconcile.Result{}, errRaced
}

// observe returns nil where there is no Secret.
func (c *Certificates) observe(ctx context.Context) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := c.Reader.Get(ctx, c.Secret, secret)
	switch {
	case err == nil:
		return secret, nil
	case apierrors.IsNotFound(err):
		return nil, nil
	default:
		return nil, fmt.Errorf("read the serving Secret: %w", err)
	}
}

func (c *Certificates) target() secretwriter.Target {
	return secretwriter.Target{
		Namespace:  c.Secret.Namespace,
		Name:       c.Secret.Name,
		Type:       corev1.SecretTypeTLS,
		Credential: v1alpha1.CredentialServing,
		Evidence:   certificatesEvidence,
	}
}

func (c *Certificates) verdict(observed *corev1.Secret) secretwriter.Verdict {
	target := c.target()
	return target.Judge(secretwriter.Observed{Secret: observed})
}

// decide returns what the Secret is to hold. An error lasts until somebody changes the Secret or the
// options.
func (c *Certificates) decide(observed *corev1.Secret, now time.Time) (*certificates.Bundle, []certificates.Step, error) {
	var held *certificates.Bundle
	if observed != nil {
		var err error
		if held, err = certificates.Decode(observed.Data); err != nil {
			return nil, nil, fmt.Errorf("read Secret %q: %w", c.Secret, err)
		}
	}
	return certificates.Settle(c.Rand, held, c.Wanted, now)
}

func (c *Certificates) apply(ctx context.Context, bundle *certificates.Bundle, observed *corev1.Secret) (secretwriter.Result, error) {
	data, err := certificates.Encode(bundle)
	if err != nil {
		return secretwriter.Result{}, fmt.Errorf("encode certificates: %w", err)
	}
	result, err := c.Secrets.Write(ctx, c.target(), secretwriter.Content{Data: data}, secretwriter.Observed{Secret: observed})
	if err != nil {
		return secretwriter.Result{}, fmt.Errorf("write certificates: %w", err)
	}
	return result, nil
}

// tell reports what was done once it is written.
func (c *Certificates) tell(ctx context.Context, secret *corev1.Secret, done []certificates.Step) {
	for _, step := range done {
		log.FromContext(ctx).Info("Certificates changed", "action", step.Action, "reason", step.Reason)
		c.Events.Eventf(secret, nil, corev1.EventTypeNormal, string(step.Action), "Rotate", "%s", step.Reason)
	}
}

// warn reports on a Secret that is left alone. Without one there is nothing to report on.
func (c *Certificates) warn(secret *corev1.Secret, reason, message string) {
	if secret != nil {
		c.Events.Eventf(secret, nil, corev1.EventTypeWarning, reason, "Rotate", "%s", message)
	}
}
