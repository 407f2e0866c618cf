package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// RefreshTokenGrants keeps the Secret of every grant that has one fresh, and writes the grants'
// status. The token in the Secret is the record: what the next one is follows from it.
type RefreshTokenGrants struct {
	Common
	Issuing *issuing.Service

	own ownWrites
}

// Requests maps a change to the grants that it concerns.
func (r *RefreshTokenGrants) Requests(change directory.Change) []reconcile.Request {
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
	case directory.Keyrings, directory.Trust:
		return requests(change.Namespace, t.GrantNames()...)
	}
	return nil
}

// Reconcile brings one grant's Secret and status to what is asked for.
func (r *RefreshTokenGrants) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	t, ok := r.Directory.Tenant(request.Namespace)
	if !ok {
		return reconcile.Result{}, nil
	}
	g, ok := t.Grant(request.Name)
	if !ok || g.DeletionTimestamp != nil {
		r.own.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	now := r.Clock.Now()
	if r.own.awaited(g.RefreshTokenGrant, now) {
		return reconcile.Result{RequeueAfter: ownWritePoll}, nil
	}
	if wrote, err := r.complete(ctx, t, g); wrote || err != nil {
		return reconcile.Result{}, err
	}
	outcome, err := r.bring(ctx, t, g, now)
	if err != nil {
		outcome = backingOff(g, now)
	}
	status := grantStatus(g, outcome, now)
	version, statusErr := applyStatus(ctx, r.Client, g.RefreshTokenGrant, g.Status, status)
	r.own.wrote(request.NamespacedName, version, now)
	if err := errors.Join(err, statusErr); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: until(now, append(outcome.next(g, now), nextLook(status.Conditions, now))...)}, nil
}

// complete writes into a spec what the operator adds to it, once: the id, and the version of the
// key that a delivered refresh token is made with. The change comes back as an event.
func (r *RefreshTokenGrants) complete(ctx context.Context, t *directory.Tenant, g *directory.Grant) (wrote bool, err error) {
	fields := map[string]any{}
	if g.Spec.ID == "" {
		id, err := uuid.NewRandomFromReader(r.Rand)
		if err != nil {
			return false, fmt.Errorf("make an id: %w", err)
		}
		fields["id"] = id.String()
	}
	if g.Spec.DeliversRefreshToken() && g.Spec.RefreshToken.KeyVersion == 0 {
		if ring, err := t.Ring(); err == nil {
			fields["refreshToken"] = map[string]any{"keyVersion": ring.NewestRefresh()}
		}
	}
	if len(fields) == 0 {
		return false, nil
	}
	return true, r.patchSpec(ctx, g.RefreshTokenGrant.DeepCopy(), fields)
}

// outcome is what a reconcile has come to.
type outcome struct {
	standing directory.Standing
	terms    issuing.Terms
	// decision is nil where no Secret was looked at: the status keeps what it knows of the token.
	decision *revision.Decision
	// failed tells that nothing could be written now, while the token in the Secret may still be good.
	failed bool
	// retryAfter is when to try again where that is known.
	retryAfter time.Duration
}

// bring decides what the grant's Secret should hold and writes it.
func (r *RefreshTokenGrants) bring(ctx context.Context, t *directory.Tenant, g *directory.Grant, now time.Time) (outcome, error) {
	terms, standing := issuing.GrantTerms(t, g, now)
	name, hasTarget := g.TargetName()
	if !standing.Good() || !hasTarget {
		return outcome{standing: standing, terms: terms}, nil
	}
	ring, standing := t.RingStanding()
	trust, known := r.Directory.Trust()
	if !standing.Good() || !known || g.Spec.DeliversRefreshToken() && g.Spec.RefreshToken.KeyVersion == 0 {
		return outcome{standing: notReady(standing), terms: terms}, nil
	}
	d := delivery{RefreshTokenGrants: r, tenant: t, ring: ring, grant: g, terms: terms, trust: trust, now: now}
	observed, _ := t.Secret(name)
	for range maxRaces {
		result, o, err := d.attempt(ctx, observed)
		if err != nil || result.Outcome != secretwriter.OutcomeRaced {
			return o, err
		}
		observed = result.Secret
	}
	return outcome{}, errRaced
}

func notReady(standing directory.Standing) directory.Standing {
	if standing.Good() {
		return directory.Standing{Reason: v1alpha1.ReasonTenantNotReady, Message: "the operator is still starting"}
	}
	return standing
}

// tooLarge is what a person can do about a token that validators would not take.
const tooLarge = "the token would be longer than 8 KiB; ask for fewer scopes, or for accessToken.format Reference"

// delivery is one grant's way to its Secret.
type delivery struct {
	*RefreshTokenGrants
	tenant *directory.Tenant
	ring   *keys.Ring
	grant  *directory.Grant
	terms  issuing.Terms
	trust  []byte
	now    time.Time
}

// attempt decides on what was observed and writes at most once. A lost race comes back with the
// live Secret, to decide anew.
func (d *delivery) attempt(ctx context.Context, observed *corev1.Secret) (secretwriter.Result, outcome, error) {
	found, err := d.found(ctx, observed)
	if err != nil {
		return secretwriter.Result{}, outcome{}, err
	}
	target := d.target()
	seen := secretwriter.Observed{Secret: observed, Vouched: found != nil}
	if standing := d.mayWrite(target.Name, target.Judge(seen)); !standing.Good() {
		return secretwriter.Result{}, outcome{terms: d.terms, standing: standing}, nil
	}
	input, err := d.input(ctx, found)
	if err != nil {
		return secretwriter.Result{}, outcome{}, err
	}
	decision := revision.Decide(input, d.now)
	if decision.Action == revision.ActionRefuse {
		standing := directory.Standing{Reason: string(decision.Reason), Message: decision.Message}
		return secretwriter.Result{}, outcome{terms: d.terms, standing: standing, retryAfter: decision.RetryAfter}, nil
	}
	content, err := d.content(ctx, observed, &decision)
	if errors.Is(err, tokens.ErrTooLarge) {
		standing := directory.Standing{Reason: v1alpha1.ReasonTokenTooLarge, Message: tooLarge}
		return secretwriter.Result{}, outcome{terms: d.terms, standing: standing}, nil
	}
	if err != nil {
		return secretwriter.Result{}, outcome{}, err
	}
	result, err := d.Secrets.Write(ctx, target, content, seen)
	if err != nil {
		return result, outcome{}, err
	}
	d.tell(result, &decision)
	return result, outcome{terms: d.terms, decision: &decision}, nil
}

// mayWrite judges whether the Secret is this grant's to write: it is ours, or there is none and no
// older grant wants the same one.
func (d *delivery) mayWrite(secret string, verdict secretwriter.Verdict) directory.Standing {
	switch verdict {
	case secretwriter.VerdictOurs:
		return directory.Standing{}
	case secretwriter.VerdictAbsent:
		holder := d.tenant.TargetHolder(secret)
		if holder == d.grant.Name {
			return directory.Standing{}
		}
		return directory.Standing{
			Reason:  v1alpha1.ReasonTargetConflict,
			Message: fmt.Sprintf("Secret %q is the target of RefreshTokenGrant %q", secret, holder),
		}
	}
	return targetConflict(secret, verdict)
}

// found reads the token that the Secret holds, if it is one of this grant's.
func (d *delivery) found(ctx context.Context, observed *corev1.Secret) (*revision.Token, error) {
	if observed == nil {
		return nil, nil //nolint:nilnil // no Secret, no token
	}
	token := observed.Data[d.grant.Spec.Target.EffectiveKeys().AccessToken]
	found, err := d.Issuing.Found(ctx, d.tenant, d.ring, &d.terms, string(token))
	if err != nil || found == nil {
		return nil, err
	}
	found.Revision = revisionOf(observed)
	return found, nil
}

// input gathers what the decision rests on.
func (d *delivery) input(ctx context.Context, found *revision.Token) (*revision.Input, error) {
	input := &revision.Input{
		Ask:      d.terms.Ask,
		Limits:   d.Issuing.Limits,
		Found:    found,
		Recorded: recorded(d.grant),
		TokenID:  issuing.TokenID(d.ring, &d.terms),
		KeyUsable: func(id string) bool {
			_, ok := d.ring.SigningKey(id)
			return ok
		},
		Revoked: d.tenant.Revoked,
	}
	var err error
	if input.RenewBefore, input.RenewBeforePercentage, err = renewBefore(d.grant); err != nil {
		return nil, err
	}
	if d.terms.Format == revision.FormatJWT {
		key, err := d.ring.Signer(keys.Algorithm(d.terms.Algorithm))
		if err != nil {
			return nil, err
		}
		input.SigningKeyID = key.ID
	}
	if last := input.Recorded; found == nil && last != nil {
		input.SessionLost, err = d.Issuing.SessionLost(ctx, d.tenant, d.ring, &d.terms, last.IssuedAt)
	}
	return input, err
}

// content makes what the Secret shall hold. A token that is kept is taken as it stands.
func (d *delivery) content(ctx context.Context, observed *corev1.Secret, decision *revision.Decision) (secretwriter.Content, error) {
	names := d.grant.Spec.Target.EffectiveKeys()
	data := map[string][]byte{}
	if decision.Action == revision.ActionKeep {
		data[names.AccessToken] = observed.Data[names.AccessToken]
	} else {
		token, err := d.Issuing.Deliver(ctx, d.ring, &d.terms, decision.Token)
		if err != nil {
			return secretwriter.Content{}, err
		}
		data[names.AccessToken] = []byte(token.Reveal())
	}
	if d.grant.Spec.DeliversRefreshToken() {
		token, err := issuing.DeliveredRefreshToken(d.ring, d.grant)
		if err != nil {
			return secretwriter.Content{}, err
		}
		data[names.RefreshToken] = []byte(token.Reveal())
	}
	describe(data, names, &d.terms, decision.Token, d.trust)
	return secretwriter.Content{Data: data, Annotations: annotations(decision.Token)}, nil
}
