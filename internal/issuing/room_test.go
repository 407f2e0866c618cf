package issuing_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// TestRoomForALogin has alice log in at billing, past her limit or the tenant's, beside a grant of hers.
func TestRoomForALogin(t *testing.T) {
	t.Parallel()
	ended := tenant.Start.Add(-2 * time.Hour) // by the policy of the client "short"
	revoked := gen.GrantState(v1alpha1.GrantStateRevoked)
	grant := func(client string, mods ...func(*v1alpha1.RefreshTokenGrant)) []func(*v1alpha1.RefreshTokenGrant) {
		return append([]func(*v1alpha1.RefreshTokenGrant){gen.ForClient(client), gen.FromLogin(tenant.Start, "")}, mods...)
	}
	ofCode := func(expiresAt time.Time) func(*v1alpha1.RefreshTokenGrant) {
		return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CodeExpiresAt = gen.Time(expiresAt) }
	}
	young, old := ofCode(tenant.Start.Add(time.Minute)), ofCode(tenant.Start)
	bob := func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.UserRef = v1alpha1.UserReference{Name: "bob", Subject: gen.Subject("bob")}
	}
	const ample = 100
	for name, tc := range map[string]struct {
		ofUser, ofTenant int32
		standing         []func(*v1alpha1.RefreshTokenGrant)
		refused, stays   bool
	}{
		"one of another client does not give way":                    {1, ample, grant("shop"), true, true},
		"one of another client that has ended does":                  {1, ample, grant("short", gen.FromLogin(ended, "")), false, false},
		"one that was revoked where tokens rotate does":              {1, ample, grant("short", revoked), false, false},
		"one that was revoked elsewhere stays and does not count":    {1, ample, grant("shop", revoked), false, true},
		"one of this client that was revoked stays, too":             {1, ample, grant("billing", revoked), false, true},
		"one of this client that is suspended counts and stays":      {1, ample, grant("billing", gen.GrantState(v1alpha1.GrantStateSuspended)), true, true},
		"one of this client gives way in a full tenant":              {1, 1, grant("billing"), false, false},
		"one of this client does not give way below maxGrants":       {2, 1, grant("billing"), true, true},
		"in a full tenant one that has ended gives way":              {2, 1, grant("short", gen.FromLogin(ended, "")), false, false},
		"in a full tenant another user's that ended gives way":       {2, 1, grant("short", bob, gen.FromLogin(ended, "")), false, false},
		"in a full tenant another user's that is good does not":      {2, 1, grant("short", bob), true, true},
		"one of a code that could come again counts, though revoked": {1, ample, grant("billing", revoked, young), true, true},
		"one of a code that has expired gives way if it is revoked":  {1, ample, grant("shop", revoked, old), false, false},
		"a tenant's limit counts a revoked one of a code, too":       {2, 1, grant("billing", revoked, young), true, true},
		"in a full tenant a revoked one of an old code gives way":    {2, 1, grant("shop", bob, revoked, old), false, false},
		"in a tenant's limit, too, one that is revoked is nothing":   {2, 1, grant("shop", revoked), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := tenant.Live(t, cp)
			x.Create(t, credentials()...)
			hour := v1alpha1.Duration("1h")
			x.Create(t, gen.AuthTenant(gen.TenantLimits(100, tc.ofTenant)), alice(gen.MaxGrants(tc.ofUser)), gen.AuthUser("bob"),
				billing(), gen.AuthClient("shop"), gen.AuthClient("short", func(c *v1alpha1.AuthClient) {
					c.Spec.RefreshToken = &v1alpha1.ClientRefreshToken{Rotation: v1alpha1.RefreshTokenRotationAlways, MaxAge: &hour}
				}))
			x.Create(t, gen.RefreshTokenGrant("standing", tc.standing...))
			_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{})
			if tc.refused {
				wantRefusal(t, err, issuing.TooManyGrants)
			} else if err != nil {
				t.Errorf("the login is refused: %v", err)
			}
			stays := false
			for _, g := range x.Grants(t) {
				stays = stays || g.Name == "standing"
			}
			if stays != tc.stays {
				t.Errorf("the grant stays: %t, want %t", stays, tc.stays)
			}
		})
	}
}

func TestAMobileLoginTakesThePlaceOfTheOneThatItEnds(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthTenant(gen.TenantLimits(100, 1)))
	for _, clientID := range []string{"phone", "tablet"} {
		_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice(), ClientID: clientID, Offline: true, Mobile: true})
		if err != nil {
			t.Fatalf("the %s: %v", clientID, err)
		}
		soleGrant(t, x)
	}
}
