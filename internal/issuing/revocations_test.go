package issuing_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// wazoJWTs has a tenant's wazo tokens be JWTs.
func wazoJWTs() *v1alpha1.AuthTenant {
	return gen.AuthTenant(gen.TenantDefaults(v1alpha1.TenantDefaults{
		WazoAccessToken: &v1alpha1.TenantWazoAccessToken{Format: v1alpha1.TokenFormatJWT},
	}))
}

// revoked puts so many revocations that end in an hour into a tenant's directory.
func revoked(x *tenant.Tenant, count int, mods ...func(*v1alpha1.TokenRevocation)) {
	for i := range count {
		x.Put(gen.TokenRevocation(gen.GrantID("revoked "+strconv.Itoa(i)), tenant.Start.Add(time.Hour), mods...))
	}
}

func ofPurpose(purpose v1alpha1.Purpose) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.Purpose = purpose }
}

func TestWhoGetsAJWTBesideRevocations(t *testing.T) {
	t.Parallel()
	ofAlice := gen.RevokedOf(gen.Subject("alice"))
	const perUser, perTenant = v1alpha1.DefaultMaxSessions, 100_000
	untilSwept := time.Hour + directory.RevocationGrace
	for name, tc := range map[string]struct {
		user  []func(*v1alpha1.AuthUser)
		count int
		of    func(*v1alpha1.TokenRevocation)
		after time.Duration
		want  issuing.Reason // empty: granted
	}{
		"whoever has one fewer than the limit": {count: perUser - 1, of: ofAlice},
		"nobody who has as many":               {count: perUser, of: ofAlice, want: issuing.TooManySessions},
		"nobody whose tokens have expired and whose revocations are still kept": {
			count: perUser, of: ofAlice, after: untilSwept - time.Second, want: issuing.TooManySessions,
		},
		"whoever's revocations have expired and are due to be swept": {count: perUser, of: ofAlice, after: untilSwept},
		"whoever is beside another who has as many":                  {count: perUser, of: gen.RevokedOf(gen.Subject("bob"))},
		"whoever is beside as many that name nobody":                 {count: perUser, of: func(*v1alpha1.TokenRevocation) {}},
		"whoever is beside as many of a grant elsewhere": {count: perUser, of: func(r *v1alpha1.TokenRevocation) {
			ofAlice(r)
			r.Spec.GrantNamespace = "team-b"
		}},
		"whoever's revocations show redeemed codes": {count: perUser, of: func(r *v1alpha1.TokenRevocation) {
			ofAlice(r)
			r.Spec.Reason = v1alpha1.RevocationOfCode
		}},
		"whoever may have more sessions":                         {user: mods(gen.MaxSessions(perUser + 1)), count: perUser, of: ofAlice},
		"nobody who may have more sessions and has as many":      {user: mods(gen.MaxSessions(perUser + 1)), count: perUser + 1, of: ofAlice, want: issuing.TooManySessions},
		"whoever may have few sessions, for that is no limit":    {user: mods(gen.MaxSessions(0)), count: perUser - 1, of: ofAlice},
		"whoever is Internal":                                    {user: mods(ofPurpose(v1alpha1.PurposeInternal)), count: perUser, of: ofAlice},
		"whoever is in a tenant that has one fewer than allowed": {count: perTenant - 1, of: gen.RevokedOf(gen.Subject("bob"))},
		"nobody in a tenant that has as many": {
			user: mods(ofPurpose(v1alpha1.PurposeInternal)), count: perTenant, of: func(*v1alpha1.TokenRevocation) {}, want: issuing.TooManyTenantSessions,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, wazoJWTs(), alice(tc.user...))
			revoked(x, tc.count, tc.of)
			x.Clock.Step(tc.after)
			_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice(), Lifetime: time.Hour})
			switch {
			case tc.want != "":
				wantRefusal(t, err, tc.want)
			case err != nil:
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func mods(mods ...func(*v1alpha1.AuthUser)) []func(*v1alpha1.AuthUser) { return mods }

func TestNoWayLeadsToAJWTPastTheRevocations(t *testing.T) {
	t.Parallel()
	password := billing(gen.GrantTypes(v1alpha1.GrantTypePassword))
	for name, tc := range map[string]struct {
		billing *v1alpha1.AuthClient
		of      func(*v1alpha1.TokenRevocation)
		way     func(*testing.T, *tenant.Tenant) error
	}{
		"a wazo login": {way: func(t *testing.T, x *tenant.Tenant) error {
			t.Helper()
			_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice()})
			return err
		}},
		"a wazo login with a refresh token": {way: func(t *testing.T, x *tenant.Tenant) error {
			t.Helper()
			_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice(), ClientID: "phone", Offline: true})
			return err
		}},
		"a wazo refresh": {way: func(t *testing.T, x *tenant.Tenant) error {
			t.Helper()
			_, err := x.Service.Refresh(t.Context(), x.Namespace, delivered(t, x, "desk").Reveal(), issuing.Login{ClientID: "desk"})
			return err
		}},
		"a password":                      {billing: password, way: withPassword},
		"a password with a refresh token": {way: withPassword},
		"a refresh": {way: func(t *testing.T, x *tenant.Tenant) error {
			t.Helper()
			_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x, "billing"), delivered(t, x, "nightly").Reveal(), issuing.Wish{})
			return err
		}},
		"a client's own": {
			of: func(r *v1alpha1.TokenRevocation) { r.Spec.ClientID = "billing" },
			way: func(t *testing.T, x *tenant.Tenant) error {
				t.Helper()
				_, err := x.Service.ClientCredentialsGrant(t.Context(), authenticated(t, x, "billing"), issuing.Wish{})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// In memory: a way that wrote anything before it is refused would panic.
			x := team(t, wazoJWTs(), orElse(tc.billing, billing()), nightly(),
				gen.RefreshTokenGrant("desk", gen.ForWazo("desk"), gen.DeliversRefreshToken()))
			of := tc.of
			if of == nil {
				of = gen.RevokedOf(gen.Subject("alice"))
			}
			revoked(x, v1alpha1.DefaultMaxSessions, of)
			x.Put(gen.TokenRevocation(gen.GrantID("longer"), tenant.Start.Add(2*time.Hour), of))
			err := tc.way(t, x)
			wantRefusal(t, err, issuing.TooManySessions)
			// Two have to go before there is room for one, and the first of them all go at once.
			if wait := issuing.AsRefusal(err).RetryAfter; wait != time.Hour+directory.RevocationGrace {
				t.Errorf("it says to wait for %s", wait)
			}
		})
	}
}

func withPassword(t *testing.T, x *tenant.Tenant) error {
	t.Helper()
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x, "billing"), asAlice(), "", issuing.Wish{})
	return err
}

// TestACodePastTheRevocations is refused whatever the token would be like, since a second use of it
// would leave a revocation. Where the client gets a refresh token, the code's grant is there to be revoked.
func TestACodePastTheRevocations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		clientID string
		want     issuing.Reason
	}{
		"for a JWT":             {"web", issuing.TooManySessions},
		"for a reference token": {"opaque", issuing.TooManySessions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, gen.ClientSecret("web", clientSecret), web(), gen.ClientSecret("opaque", clientSecret), opaque())
			revoked(x.Tenant, v1alpha1.DefaultMaxSessions, gen.RevokedOf(gen.Subject("alice")))
			presented := redemption(code(t, x.Tenant, asking(askingForWeb, fromClient(tc.clientID))), ofWeb)
			_, err := x.Service.CodeGrant(t.Context(), authenticated(t, x.Tenant, tc.clientID), presented, issuing.Wish{})
			wantRefusal(t, err, tc.want)
			if writes := x.Writes.Load(); writes != 0 {
				t.Errorf("%d writes", writes)
			}
		})
	}
}

// TestAReferenceTokenNeedsNoRoomForARevocation: it ends with its session, which leaves nothing.
func TestAReferenceTokenNeedsNoRoomForARevocation(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	revoked(x.Tenant, v1alpha1.DefaultMaxSessions, gen.RevokedOf(gen.Subject("alice")))
	wazoLogin(t, x)
}

// TestPastTheLimitRevokingGoesOn, and says whose token it was.
func TestPastTheLimitRevokingGoesOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token func(*testing.T, *tenant.Tenant) *issuing.Issued
		want  v1alpha1.TokenRevocationSpec
	}{
		"a user's":           {ofPassword, v1alpha1.TokenRevocationSpec{Subject: gen.Subject("alice")}},
		"a client's own":     {ofClient, v1alpha1.TokenRevocationSpec{ClientID: "billing"}},
		"an applied grant's": {ofGrant, v1alpha1.TokenRevocationSpec{Subject: gen.Subject("alice")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, nightly())
			issued := tc.token(t, x.Tenant)
			revoked(x.Tenant, v1alpha1.DefaultMaxSessions, func(r *v1alpha1.TokenRevocation) {
				r.Spec.Subject, r.Spec.ClientID = tc.want.Subject, tc.want.ClientID
			})
			if err := x.Service.RevokeOwn(t.Context(), authenticated(t, x.Tenant, "billing"), issued.AccessToken.Reveal()); err != nil {
				t.Fatalf("revoke: %v", err)
			}
			_, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal())
			wantRefusal(t, err, issuing.UnknownToken)
			revocation, ok := x.Rows(t).Revocation(issued.Access.ID)
			if !ok {
				t.Fatal("there is no revocation")
			}
			tc.want.ExpiresAt, tc.want.Reason = metav1.NewTime(issued.Access.ExpiresAt), "revoked at the endpoint"
			if diff := cmp.Diff(tc.want, revocation.Spec); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestARevocationSaysWhereItsGrantIs, so that who may use a user from elsewhere fills what is theirs alone.
func TestARevocationSaysWhereItsGrantIs(t *testing.T) {
	t.Parallel()
	x, namespace := liveNeighbours(t)
	createThere(t, x, crossing(namespace, x.Namespace))
	issued := refresh(t, x.Tenant, deliveredIn(t, x.Tenant, namespace))
	if err := x.Service.Revoke(t.Context(), x.Namespace, issued.AccessToken.Reveal(), tokens.OAuth2); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	revocation, ok := x.Rows(t).Revocation(issued.Access.ID)
	if !ok || revocation.Spec.GrantNamespace != namespace || revocation.Spec.Subject != gen.Subject("alice") {
		t.Errorf("%+v, want one of a grant in %q", revocation, namespace)
	}
}

// TestTokensThatWereSavedUpEndTogether: who makes many tokens before the first is revoked leaves no
// object for each.
func TestTokensThatWereSavedUpEndTogether(t *testing.T) {
	t.Parallel()
	ofUser := func(r *v1alpha1.TokenRevocation) { r.Spec.Subject = gen.Subject("alice") }
	byItself := func(r *v1alpha1.TokenRevocation) { r.Spec.ClientID = "billing" }
	for name, tc := range map[string]struct {
		token   func(*testing.T, *tenant.Tenant) *issuing.Issued
		of      func(*v1alpha1.TokenRevocation)
		objects int
		// together tells of a token of each of the others, whether it ends with that one.
		together map[string]bool
	}{
		"a user's":           {ofPassword, ofUser, 1, map[string]bool{"user": true, "client": false, "grant": false}},
		"a client's own":     {ofClient, byItself, 1, map[string]bool{"user": false, "client": true, "grant": false}},
		"an applied grant's": {ofGrant, ofUser, 0, map[string]bool{"user": false, "client": false, "grant": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, nightly())
			first := tc.token(t, x.Tenant).AccessToken.Reveal()
			others := map[string]string{}
			for kind, issue := range map[string]func(*testing.T, *tenant.Tenant) *issuing.Issued{"user": ofPassword, "client": ofClient, "grant": ofGrant} {
				others[kind] = issue(t, x.Tenant).AccessToken.Reveal()
			}
			revoked(x.Tenant, 2*v1alpha1.DefaultMaxSessions, tc.of)
			revoke := func(token string) {
				t.Helper()
				if err := x.Service.RevokeOwn(t.Context(), authenticated(t, x.Tenant, "billing"), token); err != nil {
					t.Fatalf("revoke: %v", err)
				}
				x.Await(t, "the token's end", func() bool { return !isGood(t, x, token) })
			}
			revoke(first)
			for kind, together := range tc.together {
				if isGood(t, x, others[kind]) == together {
					t.Errorf("the token of the %s ends with it: %t, want %t", kind, !together, together)
				}
				if together {
					revoke(others[kind])
				}
			}
			if objects := len(revocations(t, x)); objects != tc.objects {
				t.Errorf("%d objects, want %d", objects, tc.objects)
			}
			if writes := x.Writes.Load(); writes != 1 {
				t.Errorf("%d writes, want 1", writes)
			}
		})
	}
}

// TestALaterTokenIsNotEndedTogether, and the end of the others holds for as long as any of them may live.
func TestALaterTokenIsNotEndedTogether(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	before := ofClient(t, x.Tenant).AccessToken.Reveal()
	revoked(x.Tenant, 2*v1alpha1.DefaultMaxSessions, func(r *v1alpha1.TokenRevocation) { r.Spec.ClientID = "billing" })
	if err := x.Service.Revoke(t.Context(), x.Namespace, before, tokens.OAuth2); err != nil {
		t.Fatal(err)
	}
	all := revocations(t, x)
	if len(all) != 1 || !all[0].Spec.IssuedUntil.Time.Equal(tenant.Start) || !all[0].Spec.ExpiresAt.Time.Equal(tenant.Start.Add(tenant.MaxJWTTTL)) {
		t.Fatalf("the revocations are %+v", all)
	}
	x.Clock.Step(time.Hour + directory.RevocationGrace) // the others do not count any more
	if after := ofClient(t, x.Tenant); !isGood(t, x, after.AccessToken.Reveal()) {
		t.Error("a token of after is dead")
	}
}

// TestATokenOfAnEarlierEpochNeedsNoRevocation: it is dead for good.
func TestATokenOfAnEarlierEpochNeedsNoRevocation(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, nightly())
	token := ofGrant(t, x.Tenant).AccessToken.Reveal()
	x.Put(nightly(gen.Epoch(2)))
	if err := x.Service.Revoke(t.Context(), x.Namespace, token, tokens.OAuth2); err != nil {
		t.Fatal(err)
	}
	if writes := x.Writes.Load(); writes != 0 {
		t.Errorf("%d writes", writes)
	}
}

func isGood(t *testing.T, x *tenant.OnAPIServer, token string) bool {
	t.Helper()
	_, err := x.Service.Check(t.Context(), x.Namespace, token)
	return err == nil
}

// revocations are the tenant's as the API server has them.
func revocations(t *testing.T, x *tenant.OnAPIServer) []v1alpha1.TokenRevocation {
	t.Helper()
	list := &v1alpha1.TokenRevocationList{}
	if err := x.Client.List(t.Context(), list, client.InNamespace(x.Namespace)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}
