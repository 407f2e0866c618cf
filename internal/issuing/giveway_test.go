package issuing_test

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestTheLogTellsWhyAGrantGaveWay holds what is recorded of a user who may have one grant and logs in
// again.
func TestTheLogTellsWhyAGrantGaveWay(t *testing.T) {
	t.Parallel()
	hour := v1alpha1.Duration("1h")
	for name, tc := range map[string]struct {
		login time.Time // of the grant that stands
		want  string
	}{
		"one that was good":  {tenant.Start, "the user has as many grants as allowed"},
		"one that had ended": {tenant.Start.Add(-time.Hour), "nothing of it was good any more, and a login takes its place"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := tenant.Live(t, cp)
			x.Create(t, credentials()...)
			for _, object := range []client.Object{alice(gen.MaxGrants(1)), billing(func(c *v1alpha1.AuthClient) {
				c.Spec.RefreshToken = &v1alpha1.ClientRefreshToken{MaxAge: &hour}
			}), gen.RefreshTokenGrant("standing", gen.FromLogin(tc.login, ""))} {
				x.Create(t, object)
			}
			o := observe(t, x.Tenant)
			if _, err := x.Service.PasswordGrant(request(t), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{}); err != nil {
				t.Fatal(err)
			}
			for _, line := range o.lines(t) {
				if line["event"] == "grant.deleted" {
					if line["reason"] != tc.want {
						t.Errorf("the reason is %q, want %q", line["reason"], tc.want)
					}
					return
				}
			}
			t.Error("no line tells of the grant")
		})
	}
}
