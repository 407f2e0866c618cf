package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// grantStatus computes a grant's whole status.
func grantStatus(g *directory.Grant, o outcome, now time.Time) v1alpha1.RefreshTokenGrantStatus {
	status := *g.Status.DeepCopy()
	status.ObservedGeneration = g.Generation
	switch {
	case o.terms.User != nil:
		status.Username, status.ClientID = o.terms.User.EffectiveUsername(), o.terms.ClientID
	case o.standing.Reason == v1alpha1.ReasonRefNotPermitted && g.CrossesFrom() != "":
		status.Username, status.ClientID = "", "" // they are another namespace's, and not this one's to know
	}
	switch {
	case o.decision != nil:
		status.DeliveredAt = deliveredAt(&g.Status, o.decision, now)
		setToken(&status, o.decision)
	case !o.failed && !o.drift.left:
		status.RenewalTime, status.NextRenewal = nil, "" // nothing is renewed until that changes
	}
	status.Conditions = conditions(g.Status.Conditions, g, metav1.NewTime(now), grantConditions(g, o)...)
	return status
}

// setToken writes down which token the Secret holds, and when the next one is due.
func setToken(status *v1alpha1.RefreshTokenGrantStatus, decision *revision.Decision) {
	token := decision.Token
	status.Revision, status.TokenID, status.KeyID = token.Revision, token.ID, token.KeyID
	status.NotBefore = &metav1.Time{Time: token.NotBefore()}
	status.NotAfter = &metav1.Time{Time: token.ExpiresAt}
	status.RenewRequest = token.Request
	status.RenewalTime, status.NextRenewal = nil, ""
	if decision.HasRenewal {
		status.RenewalTime = &metav1.Time{Time: decision.RenewalTime}
		status.NextRenewal = decision.RenewalTime.UTC().Format(time.RFC3339)
	}
}

// deliveredAt is since when the Secret has held its token. The iat does not tell: that of a renewal is
// when it was due. What status does not know of an older token stays unknown, or a restore would look
// like a new one.
func deliveredAt(known *v1alpha1.RefreshTokenGrantStatus, decision *revision.Decision, now time.Time) *metav1.Time {
	switch {
	case known.TokenID == decision.Token.ID:
		return known.DeliveredAt
	case known.TokenID == "" && decision.Action != revision.ActionIssue:
		return nil
	}
	return timeOf(now.Truncate(time.Second))
}

func grantConditions(g *directory.Grant, o outcome) []metav1.Condition {
	if g.Spec.Target == nil {
		good := directory.Standing{Reason: v1alpha1.ReasonAvailable, Message: "Tokens are made on request."}
		return []metav1.Condition{ready(o.standing, good)}
	}
	good := directory.Standing{Reason: v1alpha1.ReasonIssued, Message: "The Secret holds a token that is good."}
	whole := o.standing
	if whole.Good() {
		whole = o.flaw
	}
	wanted := []metav1.Condition{ready(whole, good), issuingCondition(o)}
	if drifted, is := driftedCondition(o.drift); is {
		wanted = append(wanted, drifted)
	}
	return wanted
}

func issuingCondition(o outcome) metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionIssuing, Status: metav1.ConditionFalse}
	switch {
	case o.failed:
		condition.Reason, condition.Message = backOff.Reason, backOff.Message
	case !o.standing.Good():
		condition.Reason, condition.Message = o.standing.Reason, o.standing.Message
	case o.decision == nil: // an overtaken token was put back, and is left there for now
		condition.Reason, condition.Message = v1alpha1.ReasonCompetingWriter, o.drift.message
	case !o.decision.HasRenewal:
		condition.Reason, condition.Message = v1alpha1.ReasonFinal, "The token lives as long as the grant and its user do."
	default:
		condition.Status = metav1.ConditionTrue
		condition.Reason, condition.Message = v1alpha1.ReasonScheduled, "The token is replaced before it expires."
	}
	return condition
}

// next are the moments at which the grant stands differently without anything telling.
func (o *outcome) next(g *directory.Grant, now time.Time) []time.Time {
	moments := []time.Time{o.terms.NotAfter, endOf(g.Spec.ExpiresAt), now.Add(o.retryAfter), o.drift.until, o.bundleAt}
	if o.decision != nil && o.decision.HasRenewal {
		moments = append(moments, o.decision.RenewalTime)
	}
	return moments
}

// tell records as an Event of the grant what was written for a reason that somebody may wonder
// about. A first token and a scheduled renewal are in status, which is enough, and a changed CA bundle
// reaches every Secret: an Event for each of them would cost the API server as much as the Secret does.
func (d *delivery) tell(result secretwriter.Result, decision *revision.Decision) {
	if !result.Wrote() {
		return
	}
	if decision.Reason == revision.ReasonFirst || decision.Reason == revision.ReasonDue || d.bundleDue {
		return
	}
	if decision.Action == revision.ActionKeep && d.askedAnew() {
		return
	}
	action, reason, note := "Write", "SecretRepaired", "Secret %q was brought back to revision %d: %s"
	if decision.Action == revision.ActionIssue {
		action, reason, note = "Issue", "Issued", "Secret %q holds revision %d: %s"
	}
	name, _ := d.grant.TargetName()
	d.Events.Eventf(d.grant.RefreshTokenGrant, nil, corev1.EventTypeNormal, reason, action, note, name, decision.Token.Revision, decision.Reason)
}

// tellRevoked records once, as a Warning, that a login's grant was revoked: somebody may have a copy of
// its refresh token or of the code that it stems from. An applied grant is revoked by whoever applies it.
func (r *RefreshTokenGrants) tellRevoked(g *directory.Grant, now []metav1.Condition) {
	if !g.EndpointMade() || !saysRevoked(now) || saysRevoked(g.Status.Conditions) {
		return
	}
	r.Events.Eventf(g.RefreshTokenGrant, nil, corev1.EventTypeWarning, v1alpha1.ReasonRevoked, "Revoke",
		"Every token of this login is dead. The endpoint revokes a login where a refresh token comes again that was replaced, or a code that was redeemed: somebody has a copy.")
}

func saysRevoked(conditions []metav1.Condition) bool {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Reason == v1alpha1.ReasonRevoked
}

// askedAnew tells that the spec is another one than the Secret was last written for: what changes then
// is what somebody asked for, and repairs nothing.
func (d *delivery) askedAnew() bool { return d.grant.Status.ObservedGeneration != d.grant.Generation }
