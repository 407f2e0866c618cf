package controllers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestARevokedLoginIsToldOnce(t *testing.T) {
	t.Parallel()
	revoked := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateRevoked }
	suspended := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateSuspended }
	for name, tc := range map[string]struct {
		grant *v1alpha1.RefreshTokenGrant
		told  int
	}{
		"a login that was revoked":         {grant: login(day, revoked), told: 1},
		"a login that is good":             {grant: login(day)},
		"a login that a person suspended":  {grant: login(day, suspended)},
		"an applied grant that is revoked": {grant: gen.RefreshTokenGrant("grant", revoked)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newRoom(t, gen.AuthUser("alice"), gen.AuthClient("billing"), tc.grant)
			x.statusApplies = internalError
			if _, err := x.bring(t, tc.grant); err == nil {
				t.Error("Reconcile hides that the status was not written")
			}
			x.statusApplies = nil
			for range 3 {
				if _, err := x.bring(t, tc.grant); err != nil {
					t.Fatal(err)
				}
				x.deliver(t, tc.grant)
				x.Clock.Step(time.Minute)
			}
			if told := len(x.events.Events); told != tc.told {
				t.Fatalf("%d Events, want %d", told, tc.told)
			}
			if tc.told > 0 {
				if event := <-x.events.Events; !strings.HasPrefix(event, "Warning Revoked ") {
					t.Errorf("the Event is %q", event)
				}
			}
		})
	}
}
