package controllers

import (
	"strings"
	"testing"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

func TestOnlyWhatAPersonHasToMendAndOnlyOnceIsAWarning(t *testing.T) {
	t.Parallel()
	const isTrue, isFalse = metav1.ConditionTrue, metav1.ConditionFalse
	conditions := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{
			{Type: v1alpha1.ConditionIssuing, Status: isFalse, Reason: v1alpha1.ReasonFinal},
			{Type: v1alpha1.ConditionReady, Status: status, Reason: reason},
		}
	}
	for name, tc := range map[string]struct {
		object      client.Object // absent: a user
		before, now []metav1.Condition
		want        bool
	}{
		"a new object that is broken":             {now: conditions(isFalse, "DuplicateLogin"), want: true},
		"a good object that breaks":               {before: conditions(isTrue, "Available"), now: conditions(isFalse, "SecretNotFound"), want: true},
		"an object that is broken otherwise":      {before: conditions(isFalse, "SecretNotFound"), now: conditions(isFalse, "SecretInvalid"), want: true},
		"one that was only waiting before":        {before: conditions(isFalse, "Pending"), now: conditions(isFalse, "ScopeNotGranted"), want: true},
		"what is as broken as before":             {before: conditions(isFalse, "SecretNotFound"), now: conditions(isFalse, "SecretNotFound")},
		"what is good":                            {before: conditions(isFalse, "SecretNotFound"), now: conditions(isTrue, "Available")},
		"what has no such condition":              {before: conditions(isFalse, "SecretNotFound"), now: conditions(isTrue, "")[:1]},
		"what somebody wants":                     {before: conditions(isTrue, "Available"), now: conditions(isFalse, "Disabled")},
		"what passes by itself":                   {now: conditions(isFalse, "Pending")},
		"an outage":                               {before: conditions(isTrue, "Issued"), now: conditions(isFalse, "BackingOff")},
		"what another object tells":               {before: conditions(isTrue, "Issued"), now: conditions(isFalse, "UserNotReady")},
		"a keyring, of every user":                {before: conditions(isTrue, "Available"), now: conditions(isFalse, "KeyringUnreadable")},
		"a keyring, of the tenant, once":          {object: &v1alpha1.AuthTenant{}, before: conditions(isTrue, "Available"), now: conditions(isFalse, "KeyringUnreadable"), want: true},
		"a keyring, of the tenant, not yet there": {object: &v1alpha1.AuthTenant{}, now: conditions(isFalse, "TenantNotReady")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := tc.object
			if object == nil {
				object = &v1alpha1.AuthUser{}
			}
			if _, got := toMend(object, tc.before, tc.now); got != tc.want {
				t.Errorf("a warning: %t, want %t", got, tc.want)
			}
		})
	}
}

func TestANoteIsNoLongerThanTheAPIServerTakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		message string
		whole   bool
	}{
		"short":           {"Secret is absent", true},
		"just so":         {strings.Repeat("x", maxNote), true},
		"too long":        {strings.Repeat("x", maxNote+1), false},
		"cut in a letter": {"x" + strings.Repeat("ü", maxNote), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := noteOf(tc.message)
			if len(got) > maxNote || !utf8.ValidString(got) || (got == tc.message) != tc.whole {
				t.Errorf("%d bytes, valid: %t: %q", len(got), utf8.ValidString(got), got)
			}
			if start, cut := strings.CutSuffix(got, "…"); cut && !strings.HasPrefix(tc.message, start) {
				t.Errorf("%q is not how the message begins", start)
			}
		})
	}
}
