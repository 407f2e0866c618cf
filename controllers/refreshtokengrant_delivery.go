package controllers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// tooLarge is what a person can do about a token that validators would not take.
const tooLarge = "the token would be longer than 8 KiB; ask for fewer scopes, or for accessToken.format Reference"

// errGone tells that the grant was deleted while it was being brought: its Secret may go first, and the
// watches of the two know nothing of each other.
var errGone = errors.New("the grant was deleted")

// delivery is one grant's way to its Secret.
type delivery struct {
	*RefreshTokenGrants
	// home is the namespace of grant and Secret, tenant that of the user; mostly they are one.
	home   *directory.Tenant
	tenant *directory.Tenant
	ring   *keys.Ring
	grant  *directory.Grant
	terms  issuing.Terms
	trust  []byte
	now    time.Time

	trustKnown bool
	// looked tells that the grant's status and its Secret have been read past the cache.
	looked bool
	// bundleAt is when the Secret is to hold another CA bundle than it does; zero where nothing says so.
	// bundleDue tells that this moment has come.
	bundleAt  time.Time
	bundleDue bool
}

func (d *delivery) key() types.NamespacedName {
	return client.ObjectKeyFromObject(d.grant.RefreshTokenGrant)
}

// attempt decides on what was observed and writes at most once. A lost race comes back with the
// live Secret, to decide anew. An error comes with what is known of the Secret all the same.
func (d *delivery) attempt(ctx context.Context, observed *corev1.Secret) (secretwriter.Result, outcome, error) {
	o := outcome{terms: d.terms, drift: d.repairs.since(d.key(), d.now)}
	found, err := d.found(ctx, observed)
	if err != nil {
		return secretwriter.Result{}, o, err
	}
	o.good = found != nil && !found.Expired(d.now)
	if found == nil && !d.looked && !d.isKnown() {
		return d.look(ctx, observed)
	}
	target := d.target()
	seen := secretwriter.Observed{Secret: observed, Vouched: found != nil}
	if o.standing = d.mayWrite(target.Name, target.Judge(seen)); !o.standing.Good() {
		return secretwriter.Result{}, o, nil
	}
	input, err := d.input(ctx, found)
	if err != nil {
		return secretwriter.Result{}, o, err
	}
	decision := revision.Decide(input, d.now)
	o.retryAfter = decision.RetryAfter
	o.good = o.good && (decision.Action == revision.ActionKeep || decision.Reason == revision.ReasonDue || decision.Reason == revision.ReasonRequested)
	if decision.Action == revision.ActionRefuse {
		o.standing = directory.Standing{Reason: string(decision.Reason), Message: decision.Message}
		return secretwriter.Result{}, o, nil
	}
	return d.write(ctx, target, seen, found, &decision, o)
}

// isKnown tells that nothing is to be learned from a look past the cache. The grant was seen at a
// version that this replica's term began with, or a later one: only this replica writes status since,
// and it has seen its own last write come back. That there is no Secret is found out by the write;
// only a reference token is made before it.
func (d *delivery) isKnown() bool {
	return d.terms.Format == revision.FormatJWT && d.since != "" &&
		freshness.HasReached(d.grant.ResourceVersion, d.since) && !d.own.outstanding(d.key())
}

// look reads the grant's status past the cache, once. Where no token was found the decision rests on
// it, and a status that has not been seen yet would make a second token of one revision. A reference
// token is made before its Secret is written, so whether something stands there is looked up too; of
// a JWT it is found out by the write.
func (d *delivery) look(ctx context.Context, observed *corev1.Secret) (secretwriter.Result, outcome, error) {
	d.looked = true
	status := &v1alpha1.RefreshTokenGrant{}
	err := d.Live.Get(ctx, d.key(), status)
	switch {
	case apierrors.IsNotFound(err):
		return secretwriter.Result{}, outcome{}, errGone
	case err != nil:
		return secretwriter.Result{}, outcome{terms: d.terms}, fmt.Errorf("read the grant: %w", err)
	}
	current := *d.grant.RefreshTokenGrant
	current.Status = status.Status
	d.grant = &directory.Grant{RefreshTokenGrant: &current}

	if d.terms.Format == revision.FormatReference {
		target := d.target()
		secret := &corev1.Secret{}
		err := d.Live.Get(ctx, types.NamespacedName{Namespace: target.Namespace, Name: target.Name}, secret)
		switch {
		case apierrors.IsNotFound(err):
			observed = nil
		case err != nil:
			return secretwriter.Result{}, outcome{terms: d.terms}, fmt.Errorf("read the Secret: %w", err)
		default:
			observed = secret
		}
	}
	return d.attempt(ctx, observed)
}

// write carries a decision out. A reference token that does not reach its Secret is taken back:
// nobody has it, and its session would count against the user.
func (d *delivery) write(
	ctx context.Context, target secretwriter.Target, seen secretwriter.Observed, found *revision.Token, decision *revision.Decision, o outcome,
) (secretwriter.Result, outcome, error) {
	repair, wait := d.repair(decision, found)
	if wait > 0 && decision.Action != revision.ActionKeep {
		return secretwriter.Result{}, d.leave(ctx, &target, decision, o, wait), nil
	}
	if seen.Secret == nil {
		var err error
		if o.standing, err = d.rehearse(decision.Token); err != nil || !o.standing.Good() {
			return secretwriter.Result{}, o, err
		}
	}
	content, flaw, err := d.content(ctx, seen.Secret, decision)
	o.flaw, o.bundleAt = flaw, d.bundleAt
	if errors.Is(err, tokens.ErrTooLarge) {
		o.standing = directory.Standing{Reason: v1alpha1.ReasonTokenTooLarge, Message: tooLarge}
		return secretwriter.Result{}, o, nil
	}
	if err != nil {
		return secretwriter.Result{}, o, err
	}
	if wait > 0 && !target.Holds(content, seen.Secret) {
		return secretwriter.Result{}, d.leave(ctx, &target, decision, o, wait), nil
	}
	result, err := d.Secrets.Write(ctx, target, content, seen)
	if repair && (err != nil || result.Wrote()) {
		d.repairs.took(d.key(), d.now)
	}
	if err := d.takeBack(ctx, decision, result, err, content); err != nil {
		return result, o, err
	}
	d.tell(result, decision)
	d.account(ctx, result, decision)
	o.decision = decision
	return result, o, nil
}

// takeBack ends the session of a reference token that was made and did not reach its Secret. It returns
// the error of the write, and its own.
func (d *delivery) takeBack(
	ctx context.Context, decision *revision.Decision, result secretwriter.Result, err error, content secretwriter.Content,
) error {
	if decision.Action == revision.ActionIssue && d.undelivered(result, err, content) {
		return errors.Join(err, d.Issuing.Withdraw(ctx, d.ring, &d.terms, decision.Token))
	}
	return err
}

// undelivered tells that the API server has refused a Secret for good, or that another one with
// another token stands there. Where it did not answer, the Secret may have been written.
func (d *delivery) undelivered(result secretwriter.Result, err error, content secretwriter.Content) bool {
	if err != nil {
		return apierrors.IsForbidden(err) || apierrors.IsInvalid(err)
	}
	if result.Outcome != secretwriter.OutcomeRaced {
		return false
	}
	key := d.grant.Spec.Target.EffectiveKeys().AccessToken
	return result.Secret == nil || !bytes.Equal(result.Secret.Data[key], content.Data[key])
}

// mayWrite judges whether the Secret is this grant's to write: it is ours, or there is none and no
// older grant wants the same one.
func (d *delivery) mayWrite(secret string, verdict secretwriter.Verdict) directory.Standing {
	switch verdict {
	case secretwriter.VerdictOurs:
		return directory.Standing{}
	case secretwriter.VerdictAbsent:
		holder := d.home.TargetHolder(secret)
		if holder == d.grant.Name {
			return directory.Standing{}
		}
		return directory.NewStanding(v1alpha1.ReasonTargetConflict,
			"Secret %q is the target of RefreshTokenGrant %q; delete this grant, and make another one with another spec.target.name", secret, holder)
	}
	return targetConflict(types.NamespacedName{Namespace: d.grant.Namespace, Name: secret}, verdict)
}

// found reads the token that the Secret holds, if it is one of this grant's.
func (d *delivery) found(ctx context.Context, observed *corev1.Secret) (*revision.Token, error) {
	if observed == nil {
		return nil, nil //nolint:nilnil // no Secret, no token
	}
	token := observed.Data[d.grant.Spec.Target.EffectiveKeys().AccessToken]
	found, err := d.Issuing.Found(ctx, d.ring, &d.terms, string(token))
	if err != nil || found == nil {
		return nil, err
	}
	found.Revision = revisionOf(observed)
	found.Request = renewRequest(observed.Annotations)
	return found, nil
}

// input gathers what the decision rests on.
func (d *delivery) input(ctx context.Context, found *revision.Token) (*revision.Input, error) {
	input := &revision.Input{
		Ask:      d.terms.Ask,
		Limits:   d.Issuing.Limits,
		Found:    found,
		Recorded: recorded(d.grant),
		Request:  renewRequest(d.grant.Annotations),
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
		input.SessionLost, err = d.Issuing.SessionLost(ctx, d.ring, &d.terms, last.IssuedAt)
	}
	return input, err
}
