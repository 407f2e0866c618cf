package issuing_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"k8s.io/utils/ptr"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// opinions are a tenant's defaults for everything.
var opinions = gen.TenantDefaults(v1alpha1.TenantDefaults{
	Audiences:       []string{"https://tenant.example.com"},
	AccessToken:     &v1alpha1.TenantAccessToken{TTL: ptr.To[v1alpha1.Duration]("7m"), SigningAlgorithm: v1alpha1.SigningAlgorithmEdDSA},
	WazoAccessToken: &v1alpha1.TenantWazoAccessToken{TTL: ptr.To[v1alpha1.Duration]("9m"), Format: v1alpha1.TokenFormatJWT},
})

// What a tenant says is an input of a revision: changing it issues the tokens anew that it concerns.
func TestATenantsDefaultsReachItsTokens(t *testing.T) {
	t.Parallel()
	x := team(t, billing(gen.ClientAudiences()), gen.RefreshTokenGrant("nightly"), gen.RefreshTokenGrant("phone", gen.ForWazo("desk")))
	of := func(grant string) issuing.Terms {
		t.Helper()
		g, _ := x.Rows(t).Grant(grant)
		terms, standing := issuing.GrantTerms(x.Rows(t), g, tenant.Start)
		if !standing.Good() {
			t.Fatalf("%s: %+v", grant, standing)
		}
		return terms
	}
	before := map[string][32]byte{}
	for _, grant := range []string{"nightly", "phone"} {
		terms := of(grant)
		before[grant] = terms.Digest(tenant.Start)
	}
	x.Put(gen.AuthTenant(opinions))
	oauth, phone := of("nightly"), of("phone")
	type part struct {
		TTL       time.Duration
		Format    revision.Format
		Algorithm string
		Audiences []string
	}
	got := []part{{oauth.TTL, oauth.Format, oauth.Algorithm, oauth.Audiences}, {phone.TTL, phone.Format, phone.Algorithm, phone.Audiences}}
	want := []part{
		{7 * time.Minute, revision.FormatJWT, "EdDSA", []string{"https://tenant.example.com"}},
		{9 * time.Minute, revision.FormatJWT, "ES256", []string{x.Issuer}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("terms (-want +got):\n%s", diff)
	}
	if oauth.Digest(tenant.Start) == before["nightly"] || phone.Digest(tenant.Start) == before["phone"] {
		t.Error("the change does not issue anew")
	}

	c, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
	if err != nil {
		t.Fatal(err)
	}
	if ttl := c.Access.ExpiresAt.Sub(c.Access.IssuedAt); ttl != 7*time.Minute || c.Access.Audiences[0] != "https://tenant.example.com" {
		t.Errorf("a client's own token lives for %s and is for %q", ttl, c.Access.Audiences)
	}
	for asked, want := range map[time.Duration]time.Duration{0: 9 * time.Minute, time.Hour: time.Hour} {
		issued, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice(), Lifetime: asked})
		if err != nil {
			t.Fatal(err)
		}
		if ttl := issued.Access.ExpiresAt.Sub(issued.Access.IssuedAt); ttl != want {
			t.Errorf("a login that asks for %s gets %s, want %s", asked, ttl, want)
		}
		if _, err := uuid.Parse(issued.AccessToken.Reveal()); err == nil {
			t.Error("a reference token was made, though the tenant says JWT")
		}
	}
}

func TestADialectThatATenantDoesNotSpeak(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings     *v1alpha1.AuthTenant
		elsewhere    bool // it is not the default tenant
		oauth2, wazo bool
	}{
		"the default tenant speaks both":     {oauth2: true, wazo: true},
		"another speaks OAuth2":              {elsewhere: true, oauth2: true},
		"another with an AuthTenant, too":    {settings: gen.AuthTenant(), elsewhere: true, oauth2: true},
		"another that turns wazo on":         {settings: gen.AuthTenant(gen.Dialects("OAuth2", "Wazo")), elsewhere: true, oauth2: true, wazo: true},
		"the default tenant without wazo":    {settings: gen.AuthTenant(gen.Dialects("OAuth2")), oauth2: true},
		"the default tenant with wazo alone": {settings: gen.AuthTenant(gen.Dialects("Wazo")), wazo: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t)
			if tc.settings != nil {
				x.Put(tc.settings)
			}
			if tc.elsewhere {
				x.Service.DefaultTenant = "another"
			}
			for dialect, want := range map[v1alpha1.Dialect]bool{v1alpha1.DialectOAuth2: tc.oauth2, v1alpha1.DialectWazo: tc.wazo} {
				switch err := x.Service.Speaks(x.Namespace, dialect); {
				case want && err != nil:
					t.Errorf("%s: %v", dialect, err)
				case !want:
					wantRefusal(t, err, issuing.UnknownTenant)
				}
			}
			if err := x.Service.Speaks("nowhere", v1alpha1.DialectWazo); err != nil {
				t.Errorf("a tenant that is not known: %v", err)
			}
		})
	}
}

func TestPastATenantsLimitsALoginIsRefused(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthTenant(gen.TenantLimits(1, 1)))
	reference := issuing.Login{Credentials: asAlice(), Lifetime: time.Hour}
	first, err := x.Service.Login(t.Context(), x.Namespace, reference)
	if err != nil {
		t.Fatal(err)
	}
	x.Await(t, "the session is seen", func() bool { return len(x.Rows(t).Sessions()) == 1 })
	_, err = x.Service.Login(t.Context(), x.Namespace, reference)
	wantRefusal(t, err, issuing.TooManyTenantSessions)
	x.Clock.Step(time.Hour) // what has expired does not count, swept or not
	if _, err := x.Service.Login(t.Context(), x.Namespace, reference); err != nil {
		t.Errorf("after the first has expired: %v", err)
	}
	if first.AccessToken.IsZero() {
		t.Error("there is no token")
	}

	login(t, x.Tenant, issuing.Wish{})
	x.Await(t, "the grant is seen", func() bool { return len(x.Rows(t).GrantNames()) == 1 })
	login(t, x.Tenant, issuing.Wish{}) // the same grant
	_, err = x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{Audiences: []string{orders}})
	wantRefusal(t, err, issuing.TooManyGrants)
	x.Create(t, gen.RefreshTokenGrant("applied"))
	x.Update(t, gen.In(x.Namespace, withVersion(t, x, gen.AuthTenant(gen.TenantLimits(1, 2)))))
	if _, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), asAlice(), "", issuing.Wish{Audiences: []string{orders}}); err != nil {
		t.Errorf("with an applied grant beside it, which does not count: %v", err)
	}
}

// withVersion gives an AuthTenant the version that the directory has.
func withVersion(t *testing.T, x *tenant.OnAPIServer, object *v1alpha1.AuthTenant) *v1alpha1.AuthTenant {
	t.Helper()
	current, ok := x.Rows(t).AuthTenant()
	if !ok {
		t.Fatal("there is no AuthTenant")
	}
	object.ResourceVersion = current.ResourceVersion
	return object
}

func TestAfterAnEmergencyALoginStandsOnANewGrant(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	offline := issuing.Login{Credentials: asAlice(), ClientID: "phone", Offline: true, Lifetime: time.Hour}
	before, err := x.Service.Login(t.Context(), x.Namespace, offline)
	if err != nil {
		t.Fatal(err)
	}
	x.Await(t, "the grant is seen", func() bool { return len(x.Rows(t).GrantNames()) == 1 })
	ring, err := x.Ring.Revoke(rand.Reader, x.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	x.Directory.SetRing(x.Namespace, ring, nil)
	if _, err := x.Service.Check(t.Context(), x.Namespace, before.AccessToken.Reveal()); err == nil {
		t.Error("the session from before is still good")
	}
	_, err = x.Service.Refresh(t.Context(), x.Namespace, before.RefreshToken.Reveal(), offline)
	wantRefusal(t, err, issuing.InvalidGrant)
	after, err := x.Service.Login(t.Context(), x.Namespace, offline)
	if err != nil {
		t.Fatal(err)
	}
	if grants := x.Grants(t); len(grants) != 1 || grants[0].Spec.RefreshToken.KeyVersion != ring.NewestRefresh() {
		t.Errorf("%d grants, the first %+v", len(grants), grants[0].Spec.RefreshToken)
	}
	if _, err := x.Service.Refresh(t.Context(), x.Namespace, after.RefreshToken.Reveal(), offline); err != nil {
		t.Errorf("the refresh token of after: %v", err)
	}
}
