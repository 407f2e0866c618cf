package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// maxRequest is how many characters a value of an annotation may have that is acted on: status shows it.
const maxRequest = 253

// requestsOf reads what an AuthTenant asks for. The standing says which request cannot be told
// from another, and is left alone.
func requestsOf(object *v1alpha1.AuthTenant) (asked keyrings.Record, standing directory.Standing) {
	for _, request := range []struct {
		annotation string
		to         *string
	}{
		{v1alpha1.AnnotationRotateKeys, &asked.RotatedFor},
		{v1alpha1.AnnotationRevokeKeys, &asked.RevokedFor}, // told before the other: it is the urgent one
	} {
		if value := object.Annotations[request.annotation]; utf8.RuneCountInString(value) <= maxRequest {
			*request.to = value
		} else {
			standing = directory.NewStanding(v1alpha1.ReasonInvalidSpec, "the annotation %s has more than %d characters and is not acted on", request.annotation, maxRequest)
		}
	}
	return asked, standing
}

// status computes the status of an AuthTenant. While the keyring cannot be read it keeps what it
// knows of the keys.
func (r *Tenants) status(object *v1alpha1.AuthTenant, kept keyringDecision, standing directory.Standing, now time.Time) v1alpha1.AuthTenantStatus {
	status := *object.Status.DeepCopy()
	status.ObservedGeneration = object.Generation
	status.JWKSURL = r.Issuer(object.Namespace) + "/jwks"
	if kept.ring != nil {
		status.Issuer = kept.ring.Tenant().Issuer
		status.Keys = keyStatus(kept.ring)
		status.RotateRequest, status.RevokeRequest = kept.record.RotatedFor, kept.record.RevokedFor
		status.RotationTime, status.NextRotation = nil, ""
		if at := kept.next.NextRotation; !at.IsZero() {
			at = at.UTC().Truncate(time.Second)
			status.RotationTime, status.NextRotation = &metav1.Time{Time: at}, at.Format(time.RFC3339)
		}
	}
	if standing.Good() {
		_, standing = requestsOf(object)
	}
	good := directory.Standing{Reason: v1alpha1.ReasonAvailable, Message: "The tenant is served."}
	if kept.waits {
		good.Message = fmt.Sprintf("The tenant is served. The requested rotation waits until every standby key has been published for %s.", r.MinStandby)
	}
	if !kept.revokeAt.IsZero() {
		good.Message = fmt.Sprintf("The tenant is served. Its keys were given up less than %s ago; the value of %s is acted on when that has passed.", minRevocation, v1alpha1.AnnotationRevokeKeys)
	}
	wanted := []metav1.Condition{ready(standing, good)}
	if asked := r.Issuer(object.Namespace); status.Issuer != "" && status.Issuer != asked {
		wanted = append(wanted, metav1.Condition{
			Type:    v1alpha1.ConditionIssuerChanged,
			Status:  metav1.ConditionTrue,
			Reason:  v1alpha1.ReasonIssuerKept,
			Message: r.howToAccept(object.Namespace, status.Issuer, asked, kept),
		})
	}
	status.Conditions = conditions(object.Status.Conditions, object, metav1.NewTime(now), wanted...)
	return status
}

// howToAccept says what a person may do about an issuer that the flags do not ask for any more.
func (r *Tenants) howToAccept(namespace, held, asked string, kept keyringDecision) string {
	message := fmt.Sprintf("The operator's flags ask for the issuer %q; tokens keep %q, which their validators compare.", asked, held)
	if kept.ring == nil {
		return message
	}
	return message + fmt.Sprintf(" To change it: kubectl annotate secret -n %s %s --overwrite %s=%s",
		r.OperatorNamespace, keyrings.Name(namespace, kept.ring.Tenant().UID), v1alpha1.AnnotationIssuer, asked)
}

// keyStatus are the published keys.
func keyStatus(ring *keys.Ring) (published []v1alpha1.TenantKeyStatus) {
	for _, key := range ring.SigningKeys() {
		if key.State == keys.Revoked {
			continue
		}
		published = append(published, v1alpha1.TenantKeyStatus{
			ID:        key.ID,
			Algorithm: v1alpha1.SigningAlgorithm(key.Algorithm),
			State:     string(key.State),
			CreatedAt: metav1.NewTime(key.CreatedAt),
		})
	}
	return published
}

// tell reports what was done, once it is written: beside the keyring for whoever runs the operator,
// and beside the AuthTenant for whoever runs the tenant.
func (r *Tenants) tell(ctx context.Context, t *directory.Tenant, secret *corev1.Secret, done []notice) {
	object, managed := t.AuthTenant()
	for _, event := range done {
		log.FromContext(ctx).Info("The keyring of a tenant changed", "tenant", t.Namespace(), "reason", event.reason, "message", event.message)
		r.OperatorEvents.Eventf(secret, nil, corev1.EventTypeNormal, event.reason, "Keep", "%s", event.message)
		r.Audit.Record(ctx, audit.Record{Event: audit.KeyringChanged, Tenant: t.Namespace(), Secret: secret.Name, Reason: event.reason})
		if managed {
			r.Events.Eventf(object, nil, corev1.EventTypeNormal, event.reason, "Keep", "%s", event.message)
		}
	}
}

// warn reports what a person has to look at: beside the Secret in question for whoever runs the
// operator, who need not have an AuthTenant there, and beside the AuthTenant. What is still so is not
// told again. The tenant goes on as it did.
func (r *Tenants) warn(ctx context.Context, t *directory.Tenant, warnings []warning) {
	told := make([]notice, len(warnings))
	for i := range warnings {
		told[i] = warnings[i].notice
	}
	var before []notice
	if held, known := r.warned.Swap(t.Namespace(), told); known {
		before = held.([]notice) //nolint:forcetypeassert // nothing else is put in
	}
	object, managed := t.AuthTenant()
	for _, event := range warnings {
		if slices.Contains(before, event.notice) {
			continue
		}
		log.FromContext(ctx).Info("A person has to look at the keyrings of a tenant", "tenant", t.Namespace(), "reason", event.reason, "message", event.message)
		r.OperatorEvents.Eventf(event.about, nil, corev1.EventTypeWarning, event.reason, "Keep", "%s", event.message)
		if managed {
			r.Events.Eventf(object, nil, corev1.EventTypeWarning, event.reason, "Keep", "%s", event.message)
		}
	}
}
