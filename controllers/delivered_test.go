package controllers_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

func TestStatusTellsWhenATokenCameIntoItsSecret(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	want := func(what string, at time.Time) {
		t.Helper()
		if got := g.Status.DeliveredAt; got == nil && !at.IsZero() || got != nil && !got.Time.Equal(at) {
			t.Errorf("%s: delivered at %v, want %s", what, got, at)
		}
	}
	x.settle(t, g)
	want("the first token", tenant.Start)

	x.Clock.Step(3 * time.Hour) // the operator was away when the token was due
	late := x.Clock.Now()
	x.settle(t, g)
	want("a late renewal", late)
	if iat := g.Status.NotBefore.Add(time.Minute); !iat.Before(late) {
		t.Fatalf("the renewal was issued at %s and is not late at all", iat)
	}

	x.Clock.Step(time.Minute)
	if err := x.client.Delete(t.Context(), x.secretOf(g)); err != nil {
		t.Fatal(err)
	}
	x.Remove(x.secretOf(g))
	x.settle(t, g)
	want("the same token, put back", late)

	g.Status = v1alpha1.RefreshTokenGrantStatus{}
	if err := x.client.Status().Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, g)
	x.Clock.Step(time.Minute)
	x.settle(t, g)
	want("a token that status has lost", time.Time{})
}

func TestATokenWhoseStatusWasNotWrittenIsDeliveredWhenItIs(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.settle(t, g)
	x.Clock.Step(3 * time.Hour)
	x.statusApplies = internalError
	if _, err := x.bring(t, g); err == nil {
		t.Error("Reconcile hides that the status was not written")
	}
	x.deliver(t, x.secretOf(g))
	x.statusApplies = nil
	x.Clock.Step(time.Minute)
	x.settle(t, g)
	if got := g.Status.DeliveredAt; got == nil || !got.Time.Equal(x.Clock.Now()) {
		t.Errorf("delivered at %v, want %s", got, x.Clock.Now())
	}
}
