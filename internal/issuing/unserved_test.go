package issuing_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestNothingIsIssuedOrCheckedWhereTheTenantIsNotKnownAsItIsNow and everything is as soon as it is.
func TestNothingIsIssuedOrCheckedWhereTheTenantIsNotKnownAsItIsNow(t *testing.T) {
	t.Parallel()
	for name, mark := range map[string]func(*tenant.Tenant){
		"known too long ago": func(x *tenant.Tenant) {
			x.Directory.MarkRead(x.Namespace, x.Clock.Now().Add(time.Minute))
			x.Clock.Step(time.Minute)
		},
		"known until now": func(x *tenant.Tenant) { x.Directory.MarkRead(x.Namespace, x.Clock.Now()) },
		"not to be read":  func(x *tenant.Tenant) { x.Directory.MarkLost(x.Namespace) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, gen.RefreshTokenGrant("nightly", gen.GrantScopes("orders:read", "email")))
			terms, r := revised(t, x)
			token := deliver(t, x, terms, r)
			all := map[string]func() error{
				"deliver": func() error { _, err := x.Service.Deliver(t.Context(), x.Ring, terms, r); return err },
				"check":   func() error { _, err := x.Service.Check(t.Context(), x.Namespace, token.Reveal()); return err },
				"keys":    func() error { _, err := x.Service.JWKS(x.Namespace); return err },
				"authenticate": func() error {
					_, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{ClientID: "billing", Secret: sensitive.New(clientSecret), Method: v1alpha1.ClientAuthenticationSecretBasic})
					return err
				},
			}
			mark(x)
			for what, try := range all {
				err := try()
				if err == nil || issuing.AsRefusal(err).Reason != issuing.Unavailable || !issuing.IsUnserved(err) {
					t.Errorf("%s: %v, want Unavailable", what, err)
				}
			}
			x.Directory.MarkRead(x.Namespace, tenant.Forever)
			for what, try := range all {
				if err := try(); err != nil {
					t.Errorf("%s afterwards: %v", what, err)
				}
			}
		})
	}
}
