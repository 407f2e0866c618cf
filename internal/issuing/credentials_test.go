package issuing_test

import (
	"runtime"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// Hashes of password, made by another implementation.
const (
	passwordBcrypt = "$2b$04$abcdefghijklmnopqrstuubRTfHGQ7RCpVrDVZEtidHI2/KNUOLwq"
	passwordPBKDF2 = "$wazo-auth$1000$30313233343536373839616263646566$" +
		"3af4f9c840517dbfe3a29c2beacc8f7bd76dc06f7a46b41472f8842c4b26d793f7de25f84019b914e3c4e053cc968a77e900bd8002153662dc1c7183cea21d90"
	// largeHash is of something else, and costs the most memory that a hash may.
	largeHash = "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
)

// tryPassword is a login of alice with a password, at an OAuth2 client that may not refresh, which
// writes nothing.
func tryPassword(t *testing.T, x *tenant.Tenant, login, with string) error {
	t.Helper()
	_, err := x.Service.PasswordGrant(t.Context(), authenticated(t, x, "shop"),
		issuing.Credentials{Login: login, Password: sensitive.New(with), Source: "192.0.2.7"}, "", issuing.Wish{})
	return err
}

// shop is a client that may log people in and nothing else.
func shop() []client.Object {
	return []client.Object{gen.AuthClient("shop", gen.GrantTypes(v1alpha1.GrantTypePassword), gen.ClientScopes("orders:*")), gen.ClientSecret("shop", clientSecret)}
}

func TestALoginByAnImportedHash(t *testing.T) {
	t.Parallel()
	for name, encoded := range map[string]string{"bcrypt": passwordBcrypt, "wazo-auth": passwordPBKDF2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, shop()...)
			x.Put(alice(gen.PasswordHash()), gen.PasswordSecret("alice", encoded))
			if err := tryPassword(t, x, "alice", password); err != nil {
				t.Errorf("the right password: %v", err)
			}
			wantRefusal(t, tryPassword(t, x, "alice", encoded), issuing.InvalidGrant)
			wantRefusal(t, tryPassword(t, x, "alice", "canary-wrong"), issuing.InvalidGrant)
			x.Put(gen.PasswordSecret("alice", encoded+"x"))
			wantRefusal(t, tryPassword(t, x, "alice", password), issuing.InvalidGrant)
		})
	}
}

// TestWhoeverCannotLogInCostsWhatOthersCost counts the memory that a login takes, which tells the hashes
// apart. It runs alone, because all memory is counted.
func TestWhoeverCannotLogInCostsWhatOthersCost(t *testing.T) {
	const mebibyte = 1 << 20
	hashed := func(name string, mods ...func(*v1alpha1.AuthUser)) []client.Object {
		return []client.Object{gen.AuthUser(name, append([]func(*v1alpha1.AuthUser){gen.PasswordHash()}, mods...)...), gen.PasswordSecret(name, largeHash)}
	}
	inClear := func(name string, mods ...func(*v1alpha1.AuthUser)) []client.Object {
		return []client.Object{gen.AuthUser(name, append([]func(*v1alpha1.AuthUser){gen.Password()}, mods...)...), gen.PasswordSecret(name, password)}
	}
	for name, tc := range map[string]struct {
		users [][]client.Object
		login string
		want  uint64 // in MiB
	}{
		"a user with a hash":                            {[][]client.Object{hashed("carol")}, "carol", 64},
		"one who is disabled":                           {[][]client.Object{hashed("carol", gen.Disabled())}, "carol", 64},
		"one who has expired":                           {[][]client.Object{hashed("carol", gen.UserExpires(tenant.Start))}, "carol", 64},
		"a user without a password beside":              {[][]client.Object{hashed("carol"), {gen.AuthUser("dave")}}, "dave", 64},
		"a login that nobody has":                       {[][]client.Object{hashed("carol")}, "nobody", 64},
		"a user in clear text":                          {[][]client.Object{inClear("erin")}, "erin", 19},
		"one in clear text who is disabled":             {[][]client.Object{inClear("erin", gen.Disabled()), hashed("carol")}, "erin", 19},
		"one in clear text beside many others":          {[][]client.Object{inClear("erin"), hashed("carol"), hashed("dave")}, "erin", 19},
		"a login that nobody has where all is in clear": {[][]client.Object{inClear("erin")}, "nobody", 19},
	} {
		x := tenant.Memory(t)
		x.Put(shop()...)
		for _, objects := range tc.users {
			x.Put(objects...)
		}
		for range 2 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			wantRefusal(t, tryPassword(t, x, tc.login, "canary-wrong"), issuing.InvalidGrant)
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc + mebibyte/2) / mebibyte; got != tc.want {
				t.Errorf("%s: a login takes %d MiB, want %d", name, got, tc.want)
			}
		}
	}
}

// generation writes to the API server how far the rotation of a password has come.
func generation(t *testing.T, x *tenant.OnAPIServer, u *v1alpha1.AuthUser, current, previous time.Time) {
	t.Helper()
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(u), u); err != nil {
		t.Fatal(err)
	}
	u.Status.GeneratedAt, u.Status.PreviousGeneratedAt = gen.Time(current), nil
	if !previous.IsZero() {
		u.Status.PreviousGeneratedAt = gen.Time(previous)
	}
	if err := x.Client.Status().Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	x.AwaitVersion(t, u)
}

// passwordOf is the generated password of a second.
func passwordOf(t *testing.T, x *tenant.Tenant, at time.Time) string {
	t.Helper()
	u, ok := x.Rows(t).User("robot")
	if !ok {
		t.Fatal("there is no robot")
	}
	return u.Generated().Derive(x.Ring, at).Reveal()
}

func TestAnOverlapHoldsForAllThatStemsFromAPassword(t *testing.T) {
	t.Parallel()
	const overlap = time.Hour
	x := liveTeam(t)
	robot := gen.AuthUser("robot", gen.GeneratedPassword("10h", "1h"), gen.UserScopes("orders:*"))
	x.Create(t, robot)
	first := tenant.Start
	generation(t, x, robot, first, time.Time{})
	as := func(at time.Time) issuing.Credentials {
		return issuing.Credentials{Login: "robot", Password: sensitive.New(passwordOf(t, x.Tenant, at)), Source: "192.0.2.9"}
	}
	oauth := func(at time.Time) (*issuing.Issued, error) {
		return x.Service.PasswordGrant(t.Context(), authenticated(t, x.Tenant, "billing"), as(at), "", issuing.Wish{})
	}
	wazo := func(at time.Time) (*issuing.Issued, error) {
		return x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: as(at), Lifetime: 12 * time.Hour, ClientID: "desk-phone", Offline: true})
	}
	oauthRefresh := func(token sensitive.String) error {
		_, err := x.Service.RefreshGrant(t.Context(), authenticated(t, x.Tenant, "billing"), token.Reveal(), issuing.Wish{})
		return err
	}
	wazoRefresh := func(token sensitive.String) (*issuing.Issued, error) {
		return x.Service.Refresh(t.Context(), x.Namespace, token.Reveal(), issuing.Login{Lifetime: time.Hour, ClientID: "desk-phone"})
	}
	check := func(issued *issuing.Issued) error {
		_, err := x.Service.Check(t.Context(), x.Namespace, issued.AccessToken.Reveal())
		return err
	}
	must := func(issued *issuing.Issued, err error) *issuing.Issued {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return issued
	}

	x.Clock.SetTime(first.Add(9*time.Hour + 50*time.Minute))
	before := []*issuing.Issued{must(oauth(first)), must(wazo(first))}

	second := first.Add(10 * time.Hour)
	x.Clock.SetTime(second)
	generation(t, x, robot, second, first)
	during := []*issuing.Issued{must(oauth(first)), must(wazo(first)), must(oauth(second)), must(wazo(second))}
	for _, issued := range append(before, during...) {
		if err := check(issued); err != nil {
			t.Errorf("during the overlap: %v", err)
		}
	}
	if err := oauthRefresh(before[0].RefreshToken); err != nil {
		t.Errorf("during the overlap: %v", err)
	}
	fromRefresh := must(wazoRefresh(before[1].RefreshToken))

	// The replicas end it by themselves: the leader may be away.
	x.Clock.SetTime(second.Add(overlap - time.Second))
	must(oauth(first))
	x.Clock.SetTime(second.Add(overlap))
	_, err := oauth(first)
	wantRefusal(t, err, issuing.InvalidGrant)
	_, err = wazo(first)
	wantRefusal(t, err, issuing.InvalidGrant)
	must(oauth(second))
	must(wazo(second))
	wantRefusal(t, check(before[1]), issuing.UnknownToken)
	wantRefusal(t, check(during[1]), issuing.UnknownToken)
	wantRefusal(t, oauthRefresh(before[0].RefreshToken), issuing.InvalidGrant)
	wantRefusal(t, oauthRefresh(during[0].RefreshToken), issuing.InvalidGrant)
	if err := oauthRefresh(during[2].RefreshToken); err != nil {
		t.Errorf("after the overlap, by the new password: %v", err)
	}
	if err := check(during[3]); err != nil {
		t.Errorf("after the overlap, by the new password: %v", err)
	}
	must(wazoRefresh(before[1].RefreshToken))
	x.Clock.SetTime(second.Add(59 * time.Minute))
	if err := check(fromRefresh); err != nil {
		t.Errorf("a refreshed token carries the password of its day: %v", err)
	}

	// Once the leader has written that it has ended, a clock that is set back brings nothing back.
	generation(t, x, robot, second, time.Time{})
	_, err = oauth(first)
	wantRefusal(t, err, issuing.InvalidGrant)
	wantRefusal(t, check(before[1]), issuing.UnknownToken)
}

func TestBothSecretsOfAClientAreGoodDuringTheOverlap(t *testing.T) {
	t.Parallel()
	first, second := tenant.Start.Add(-10*time.Hour), tenant.Start
	robot := gen.AuthClient("robot", func(c *v1alpha1.AuthClient) {
		c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "robot", RotateEvery: new(v1alpha1.Duration("10h")), Overlap: new(v1alpha1.Duration("1h"))}}
		c.Status.GeneratedAt, c.Status.PreviousGeneratedAt = gen.Time(second), gen.Time(first)
	})
	x := team(t, robot)
	c, _ := x.Rows(t).Client("robot")
	authenticate := func(at time.Time) error {
		_, err := x.Service.AuthenticateClient(t.Context(), x.Namespace, issuing.ClientAuthentication{
			ClientID: "robot", Secret: c.Generated().Derive(x.Ring, at), Method: v1alpha1.ClientAuthenticationSecretBasic,
		})
		return err
	}
	x.Clock.SetTime(second.Add(time.Hour - time.Second))
	for _, at := range []time.Time{first, second} {
		if err := authenticate(at); err != nil {
			t.Errorf("during the overlap the secret of %s is refused: %v", at, err)
		}
	}
	wantRefusal(t, authenticate(first.Add(-10*time.Hour)), issuing.InvalidClient)
	x.Clock.SetTime(second.Add(time.Hour))
	wantRefusal(t, authenticate(first), issuing.InvalidClient)
	if err := authenticate(second); err != nil {
		t.Errorf("after the overlap the new secret is refused: %v", err)
	}
}
