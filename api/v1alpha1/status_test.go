package v1alpha1_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1alpha1ac "github.com/grantkeeper/grantkeeper/api/applyconfiguration/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

const owner = client.FieldOwner("status-test")

// TestStatusIsApplied shows how a controller writes a status: the whole of it, every time, so that
// what is left out goes away, and nothing of the spec with it.
func TestStatusIsApplied(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	grant := &v1alpha1.RefreshTokenGrant{
		ObjectMeta: metav1.ObjectMeta{Namespace: cp.Namespace(t), Name: "billing"},
		Spec: v1alpha1.RefreshTokenGrantSpec{
			UserRef:   v1alpha1.UserReference{Name: "alice"},
			ClientRef: &v1alpha1.ClientReference{Name: "billing"},
		},
	}
	if err := c.Create(t.Context(), grant); err != nil {
		t.Fatalf("create: %v", err)
	}
	instant := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	ready := metav1ac.Condition().WithType(v1alpha1.ConditionReady).WithStatus(metav1.ConditionTrue).
		WithReason(v1alpha1.ReasonIssued).WithMessage("").WithLastTransitionTime(instant).WithObservedGeneration(1)
	issuing := metav1ac.Condition().WithType(v1alpha1.ConditionIssuing).WithStatus(metav1.ConditionTrue).
		WithReason(v1alpha1.ReasonScheduled).WithMessage("").WithLastTransitionTime(instant).WithObservedGeneration(1)

	apply := func(status *v1alpha1ac.RefreshTokenGrantStatusApplyConfiguration) {
		t.Helper()
		config := v1alpha1ac.RefreshTokenGrant(grant.Name, grant.Namespace).WithStatus(status)
		if err := c.Status().Apply(t.Context(), config, owner, client.ForceOwnership); err != nil {
			t.Fatalf("apply: %v", err)
		}
	}
	apply(v1alpha1ac.RefreshTokenGrantStatus().WithConditions(ready, issuing).
		WithObservedGeneration(1).WithRevision(7).WithRenewalTime(instant))
	apply(v1alpha1ac.RefreshTokenGrantStatus().WithConditions(ready).WithObservedGeneration(1).WithRevision(7))

	got := &v1alpha1.RefreshTokenGrant{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(grant), got); err != nil {
		t.Fatalf("get: %v", err)
	}
	want := v1alpha1.RefreshTokenGrantStatus{
		Conditions: []metav1.Condition{{
			Type: "Ready", Status: "True", Reason: "Issued", LastTransitionTime: instant, ObservedGeneration: 1,
		}},
		ObservedGeneration: 1,
		Revision:           7,
	}
	if diff := cmp.Diff(want, got.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(grant.Spec, got.Spec); diff != "" {
		t.Errorf("the spec changed (-want +got):\n%s", diff)
	}
}

// TestStatusOfAnotherObject: a status that was computed from one object never lands on a later one
// of the same name where the apply configuration carries the resource version. A uid there would
// be ignored.
func TestStatusOfAnotherObject(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	user := &v1alpha1.AuthUser{ObjectMeta: metav1.ObjectMeta{Namespace: cp.Namespace(t), Name: "alice"}}
	if err := c.Create(t.Context(), user); err != nil {
		t.Fatalf("create: %v", err)
	}
	stale := user.ResourceVersion
	user.Spec.FirstName = "Alice"
	if err := c.Update(t.Context(), user); err != nil {
		t.Fatalf("update: %v", err)
	}
	for version, wantConflict := range map[string]bool{stale: true, user.ResourceVersion: false} {
		config := v1alpha1ac.AuthUser(user.Name, user.Namespace).WithResourceVersion(version).
			WithStatus(v1alpha1ac.AuthUserStatus().WithUsername("alice"))
		err := c.Status().Apply(t.Context(), config, owner, client.ForceOwnership)
		if apierrors.IsConflict(err) != wantConflict {
			t.Errorf("resource version %s: got %v, want a conflict: %t", version, err, wantConflict)
		}
	}
}
