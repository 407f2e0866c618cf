package controllers_test

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// ask annotates a grant with a request for a new revision; empty takes it back.
func (x *room) ask(t *testing.T, g *v1alpha1.RefreshTokenGrant, value string) {
	t.Helper()
	if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(g), g); err != nil {
		t.Fatal(err)
	}
	g.Annotations = map[string]string{v1alpha1.AnnotationRenewRequested: value}
	if value == "" {
		g.Annotations = nil
	}
	if err := x.client.Update(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, g)
}

func TestARequestIsInTheSecretBeforeItIsInStatusAndIsActedOnOnce(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.settle(t, g)
	x.ask(t, g, "please")
	x.Clock.Step(time.Second)

	// Status is never written, leaders come and go, and the directory is late.
	x.statusApplies = conflict
	for range 5 {
		_, _ = x.bring(t, g) // fails, as it should
		x.grants = &controllers.RefreshTokenGrants{Common: x.common, Issuing: x.Service}
		x.Clock.Step(time.Second)
	}
	secret := x.secretOf(g)
	x.deliver(t, secret)
	if got := secret.Annotations[v1alpha1.AnnotationRenewRequested]; got != "please" {
		t.Errorf("the Secret says that %q was acted on", got)
	}
	if revision := secret.Annotations[v1alpha1.AnnotationRevision]; revision != "2" {
		t.Errorf("the Secret holds revision %s, want 2", revision)
	}

	x.statusApplies = nil
	x.settle(t, g)
	if g.Status.RenewRequest != "please" || g.Status.Revision != 2 {
		t.Errorf("status speaks of %q and revision %d", g.Status.RenewRequest, g.Status.Revision)
	}
	for _, value := range []string{"", "please", strings.Repeat("x", 254)} {
		x.ask(t, g, value)
		x.Clock.Step(time.Minute)
		if x.settle(t, g); g.Status.Revision != 2 || g.Status.RenewRequest != "please" {
			t.Errorf("%.9q: revision %d, acted on %.9q", value, g.Status.Revision, g.Status.RenewRequest)
		}
	}
	x.ask(t, g, strings.Repeat("ü", 253))
	if x.settle(t, g); g.Status.Revision != 3 {
		t.Errorf("another value: revision %d, want 3", g.Status.Revision)
	}
}

func TestARequestIsNotActedOnWhileAGrantIsSuspendedAndIsAfterwards(t *testing.T) {
	t.Parallel()
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.settle(t, g)
	before := x.updated.Load()
	state := func(state v1alpha1.GrantState) {
		t.Helper()
		gen.GrantState(state)(g)
		if err := x.client.Update(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		x.deliver(t, g)
		x.Clock.Step(time.Second)
		x.settle(t, g)
	}
	state(v1alpha1.GrantStateSuspended)
	x.ask(t, g, "please")
	x.settle(t, g)
	if x.updated.Load() != before+2 { // the two updates of the grant itself
		t.Errorf("the Secret was written %d times", x.updated.Load()-before-2)
	}
	state(v1alpha1.GrantStateActive)
	if g.Status.Revision != 2 || g.Status.RenewRequest != "please" {
		t.Errorf("revision %d, acted on %q", g.Status.Revision, g.Status.RenewRequest)
	}
}
