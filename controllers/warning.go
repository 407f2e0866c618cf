package controllers

import (
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// maxNote is how many bytes the API server takes as the note of an Event. A condition's message may be longer.
const maxNote = 1024

// quiet are the reasons of Ready=False of which no Event tells.
var quiet = map[string]bool{
	// Somebody wants it so.
	v1alpha1.ReasonDisabled:  true,
	v1alpha1.ReasonSuspended: true,
	v1alpha1.ReasonRevoked:   true,
	v1alpha1.ReasonExpired:   true,
	// It passes by itself. An outage would otherwise end with an Event for every object.
	v1alpha1.ReasonPending:        true,
	v1alpha1.ReasonBackingOff:     true,
	v1alpha1.ReasonSecondTaken:    true,
	v1alpha1.ReasonTenantNotReady: true,
	// The object that is to be mended tells it, once instead of for each of those that hang on it.
	v1alpha1.ReasonUserNotReady:      true,
	v1alpha1.ReasonClientNotReady:    true,
	v1alpha1.ReasonKeyringUnreadable: true,
}

// toMend gives what a person has to mend since an object's conditions changed; false where there is nothing,
// and where the same was so before.
func toMend(object client.Object, before, now []metav1.Condition) (metav1.Condition, bool) {
	is := meta.FindStatusCondition(now, v1alpha1.ConditionReady)
	if is == nil || is.Status != metav1.ConditionFalse {
		return metav1.Condition{}, false
	}
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	if was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return metav1.Condition{}, false
	}
	_, hasKeyring := object.(*v1alpha1.AuthTenant)
	return *is, !quiet[is.Reason] || hasKeyring && is.Reason == v1alpha1.ReasonKeyringUnreadable
}

// tellBroken records as a Warning what a person has to mend. It is for a status that was written: what is
// still so costs nothing.
func (c *Common) tellBroken(object client.Object, before, now []metav1.Condition) {
	if broken, is := toMend(object, before, now); is {
		c.Events.Eventf(object, nil, corev1.EventTypeWarning, broken.Reason, "Judge", "%s", noteOf(broken.Message))
	}
}

// noteOf is as much of a message as an Event holds.
func noteOf(message string) string {
	if len(message) <= maxNote {
		return message
	}
	const more = "…"
	end := maxNote - len(more)
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + more
}
