package controllers_test

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// maxPoll is the longest that the wall clock is not looked at.
const maxPoll = 2 * time.Minute

// day is an age past every grace.
const day = 24 * time.Hour

func session(expiresAt time.Time) *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: gen.Namespace, Name: "session"},
		Spec:       v1alpha1.AuthSessionSpec{Subject: gen.Subject("alice"), ExpiresAt: metav1.NewTime(expiresAt)},
	}
}

// ofGrant is a session, made twenty minutes ago and good for another day, of the grant called "grant" in
// a namespace; empty: its own.
func ofGrant(namespace string) *v1alpha1.AuthSession {
	s := young(session(tenant.Start.Add(day)))
	s.Spec.GrantID, s.Spec.GrantNamespace = gen.GrantID("grant"), namespace
	return s
}

// young makes a session one that is twenty minutes old.
func young(s *v1alpha1.AuthSession) *v1alpha1.AuthSession {
	s.CreationTimestamp = metav1.NewTime(tenant.Start.Add(-20 * time.Minute))
	return s
}

// ofClient makes a session one of a client that acts for itself.
func ofClient(s *v1alpha1.AuthSession) *v1alpha1.AuthSession {
	s.Spec.Subject, s.Spec.ClientID = "", "billing"
	return s
}

// login is a grant that the endpoint made, of an age.
func login(age time.Duration, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	made := tenant.Start.Add(-age)
	g := gen.RefreshTokenGrant("grant", append([]func(*v1alpha1.RefreshTokenGrant){gen.FromLogin(made, "")}, mods...)...)
	g.CreationTimestamp = metav1.NewTime(made)
	return g
}

// endingClient is billing with access tokens of half an hour and an end to its refresh tokens, some
// time after the login and some time after the last use; empty: none.
func endingClient(maxAge, idle v1alpha1.Duration) *v1alpha1.AuthClient {
	policy := &v1alpha1.ClientRefreshToken{Rotation: v1alpha1.RefreshTokenRotationAlways}
	if maxAge != "" {
		policy.MaxAge = &maxAge
	}
	if idle != "" {
		policy.IdleTimeout = &idle
	}
	return gen.AuthClient("billing", gen.ClientTTL("30m"), func(c *v1alpha1.AuthClient) { c.Spec.RefreshToken = policy })
}

// fromCode makes a login's grant one that an authorization code made.
func fromCode(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CodeExpiresAt = &g.Spec.Login.IssuedAt }

// marker shows that an authorization code was redeemed.
func marker(codeExpiresAt time.Time) *v1alpha1.TokenRevocation {
	r := gen.TokenRevocation(gen.GrantID("code"), codeExpiresAt)
	r.Spec.Reason = "an authorization code was redeemed"
	return r
}

// revoked makes a grant one that has been seen to be revoked for an hour.
func revoked(g *v1alpha1.RefreshTokenGrant) {
	g.Spec.State = v1alpha1.GrantStateRevoked
	g.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRevoked,
		LastTransitionTime: metav1.NewTime(tenant.Start.Add(-time.Hour)),
	}}
}

func TestSweeping(t *testing.T) {
	t.Parallel()
	hour := tenant.Start.Add(time.Hour)
	alice, billing := gen.AuthUser("alice"), gen.AuthClient("billing")
	withPassword := []client.Object{gen.AuthUser("alice", gen.Password()), gen.PasswordSecret("alice", "open sesame"), billing}
	for name, tc := range map[string]struct {
		object client.Object
		others []client.Object
		// wantAfter is when it goes, from the start, or within a minute of it; never: not at all.
		wantAfter time.Duration
		never     bool
	}{
		"a session that is good":                                      {object: session(hour), others: []client.Object{alice}, wantAfter: time.Hour},
		"a session that has expired":                                  {object: session(tenant.Start), others: []client.Object{alice}},
		"a session of a disabled user":                                {object: session(hour), others: []client.Object{gen.AuthUser("alice", gen.Disabled())}},
		"a session of a grant that is there":                          {object: ofGrant(""), others: []client.Object{alice, billing, gen.RefreshTokenGrant("grant")}, wantAfter: day},
		"a session of a grant that is gone, after a while":            {object: ofGrant(""), others: []client.Object{alice, billing}, wantAfter: 40 * time.Minute},
		"a session of a grant in a namespace that has not been read":  {object: ofGrant("unread"), others: []client.Object{alice, billing}, wantAfter: day},
		"a session of a deleted user, who may come back by a restore": {object: young(session(tenant.Start.Add(day))), wantAfter: 40 * time.Minute},
		"a session of a client that acts for itself":                  {object: ofClient(young(session(tenant.Start.Add(day)))), wantAfter: day},
		"a revocation of a token that is good":                        {object: gen.TokenRevocation(gen.GrantID("x"), hour), wantAfter: 4 * time.Hour},
		"a revocation of a token that has just expired":               {object: gen.TokenRevocation(gen.GrantID("x"), tenant.Start), wantAfter: 3 * time.Hour},
		"a revocation of a token that no clock brings back":           {object: gen.TokenRevocation(gen.GrantID("x"), tenant.Start.Add(-3*time.Hour))},
		"a redeemed code's, which revokes no token":                   {object: marker(tenant.Start.Add(time.Minute)), wantAfter: 6 * time.Minute},
		"an applied grant that has expired":                           {object: gen.RefreshTokenGrant("grant", gen.GrantExpires(tenant.Start.Add(-day))), never: true},
		"an applied grant without its user":                           {object: gen.RefreshTokenGrant("grant"), never: true},
		"a login's grant with all it needs":                           {object: login(day), others: []client.Object{alice, billing}, never: true},
		"a login's grant that has an end":                             {object: login(day, gen.GrantExpires(hour)), others: []client.Object{alice, billing}, wantAfter: time.Hour},
		"an old login's grant without its user":                       {object: login(day), others: []client.Object{billing}},
		"an old login's grant without its client":                     {object: login(day), others: []client.Object{alice}},
		"a wazo login's grant, which has no client":                   {object: login(day, gen.ForWazo("desk-phone")), others: []client.Object{alice}, never: true},
		"a young login's grant without its user waits for it":         {object: login(20 * time.Minute), others: []client.Object{billing}, wantAfter: 40 * time.Minute},
		"a login's grant of an earlier user of the name": {
			object: login(day), others: []client.Object{gen.AuthUser("alice", func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject("another") }), billing},
		},
		"a login's grant of another password": {
			object: login(day, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CV = "of-another-one" }), others: withPassword,
		},
		"a wazo login's grant outlives the password": {
			object: login(day, gen.ForWazo("desk-phone"), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CV = "of-another-one" }), others: withPassword, never: true,
		},
		"a login's grant whose refresh token ends by age, and what it was used for with it": {
			object: login(day), others: []client.Object{alice, endingClient("25h", "")}, wantAfter: 90 * time.Minute,
		},
		"a login's grant whose refresh token has ended by age": {
			object: login(day), others: []client.Object{alice, endingClient("20h", "")},
		},
		"a login's grant whose refresh token ends unless it is used": {
			object: login(day), others: []client.Object{alice, endingClient("48h", "25h")}, wantAfter: 90 * time.Minute,
		},
		"a login's grant whose refresh token was used": {
			object: login(day, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.RotatedAt = gen.Time(tenant.Start) }),
			others: []client.Object{alice, endingClient("", "25h")}, wantAfter: 25*time.Hour + 30*time.Minute,
		},
		"a login's grant that ends before its refresh token does": {
			object: login(day, gen.GrantExpires(hour)), others: []client.Object{alice, endingClient("25h", "")}, wantAfter: time.Hour,
		},
		"an applied grant of a client whose refresh tokens end": {
			object: gen.RefreshTokenGrant("grant"), others: []client.Object{alice, endingClient("1h", "")}, never: true,
		},
		"a login's grant that was revoked where tokens rotate": {
			object: login(day, revoked), others: []client.Object{alice, endingClient("", "")}, wantAfter: day - time.Hour,
		},
		"a login's grant that was revoked and whose refresh token ends before": {
			object: login(day, revoked), others: []client.Object{alice, endingClient("25h", "")}, wantAfter: 90 * time.Minute,
		},
		"a code's grant that was revoked, which stops none": {
			object: login(day, revoked, fromCode), others: []client.Object{alice, billing}, wantAfter: day - time.Hour,
		},
		"a login's grant that was revoked, which stops others": {
			object: login(day, revoked), others: []client.Object{alice, billing}, never: true,
		},
		"a wazo login's grant that was revoked, which stops others": {
			object: login(day, gen.ForWazo("desk-phone"), revoked), others: []client.Object{alice}, never: true,
		},
		"a login's grant that is told to be revoked and is not": {
			object: login(day, revoked, gen.GrantState(v1alpha1.GrantStateActive)), others: []client.Object{alice, endingClient("", "")}, never: true,
		},
		"a login's grant that was not told to be revoked yet": {
			object: login(day, gen.GrantState(v1alpha1.GrantStateRevoked)), others: []client.Object{alice, endingClient("", "")}, never: true,
		},
		"an applied grant that was revoked": {
			object: gen.RefreshTokenGrant("grant", revoked), others: []client.Object{alice, endingClient("", "")}, never: true,
		},
		"a login's grant while the password cannot be read": {
			object: login(day, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CV = "of-another-one" }),
			others: []client.Object{gen.AuthUser("alice", gen.Password()), billing}, never: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []client.Object{tc.object.DeepCopyObject().(client.Object)}
			for _, other := range tc.others { // which cases share
				objects = append(objects, other.DeepCopyObject().(client.Object))
			}
			x := newRoom(t, objects...)
			waited, gone := x.sweep(t, tc.object)
			if tc.never && (gone || waited > 0) {
				t.Errorf("gone: %t, after %s; want it left alone", gone, waited)
			}
			if !tc.never && (!gone || waited < tc.wantAfter || waited > tc.wantAfter+time.Minute) {
				t.Errorf("gone: %t, after %s; want it to go after %s or a little later", gone, waited, tc.wantAfter)
			}
		})
	}
}

// sweep runs the sweeper's own timers for one object until it is gone or no timer is left, and tells
// after how long.
func (x *room) sweep(t *testing.T, object client.Object) (waited time.Duration, gone bool) {
	t.Helper()
	sweeper := &controllers.Sweeper{Common: x.common}
	items := sweeper.Requests(directory.Change{Kind: kindOf(object), Namespace: gen.Namespace, Name: object.GetName()})
	for {
		var next time.Duration
		for _, item := range items {
			result, err := sweeper.Reconcile(t.Context(), item)
			if err != nil {
				t.Fatal(err)
			}
			if result.RequeueAfter > maxPoll {
				t.Fatalf("after %s it looks again after %s, want within %s", waited, result.RequeueAfter, maxPoll)
			}
			if result.RequeueAfter > 0 && (next == 0 || result.RequeueAfter < next) {
				next = result.RequeueAfter
			}
		}
		err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object.DeepCopyObject().(client.Object))
		if gone := apierrors.IsNotFound(err); gone || next == 0 {
			return waited, gone
		}
		x.Clock.Step(next)
		waited += next
	}
}

func kindOf(object client.Object) directory.Kind {
	switch object.(type) {
	case *v1alpha1.AuthSession:
		return directory.Sessions
	case *v1alpha1.TokenRevocation:
		return directory.Revocations
	}
	return directory.Grants
}

func TestAnEmergencyEndsWhatItLeavesWithoutKeys(t *testing.T) {
	t.Parallel()
	x := newRoom(t)
	later, err := x.Ring.Revoke(rand.Reader, tenant.Start)
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(name string, ring *keys.Ring) client.Object {
		s := session(tenant.Start.Add(time.Hour))
		s.Name = name
		if s.Spec.Sealed, err = ring.SealSession(rand.Reader, name, []byte("record")); err != nil {
			t.Fatal(err)
		}
		return s
	}
	login := func(name string, version int32) client.Object {
		g := login(0, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.KeyVersion = version })
		g.Name = name
		return g
	}
	applied := gen.RefreshTokenGrant("applied", gen.DeliversRefreshToken())
	applied.Spec.RefreshToken.KeyVersion = 1
	redeemed := login("redeemed", x.Ring.NewestRefresh()).(*v1alpha1.RefreshTokenGrant)
	redeemed.Spec.Login.CodeExpiresAt = gen.Time(tenant.Start.Add(time.Minute))
	alive := []client.Object{login("later-login", later.NewestRefresh()), sealed("later-session", later), applied, redeemed}
	dead := []client.Object{login("login", x.Ring.NewestRefresh()), sealed("session-before", x.Ring)}
	x = newRoom(t, slices.Concat(alive, dead, []client.Object{gen.AuthUser("alice"), gen.AuthClient("billing")})...)
	sweeper := &controllers.Sweeper{Common: x.common}
	sweep := func() {
		for _, item := range sweeper.Requests(directory.Change{Kind: directory.Keyrings, Namespace: gen.Namespace, Name: gen.Namespace}) {
			if _, err := sweeper.Reconcile(t.Context(), item); err != nil {
				t.Fatal(err)
			}
		}
	}
	sweep()
	for _, object := range append(alive, dead...) {
		if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			t.Errorf("before the emergency: %v", err)
		}
	}
	x.Directory.SetRing(gen.Namespace, later, nil)
	sweep()
	for _, object := range alive {
		if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
			t.Errorf("what the new keys are good for: %v", err)
		}
	}
	for _, object := range dead {
		if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(object), object); !apierrors.IsNotFound(err) {
			t.Errorf("%s is still there (%v)", object.GetName(), err)
		}
	}
}

func TestASweptObjectIsTheOneThatWasLookedAt(t *testing.T) {
	t.Parallel()
	old := session(tenant.Start)
	old.UID = "old"
	x := newRoom(t, old)
	x.Clock.Step(time.Minute)
	sweeper := &controllers.Sweeper{Common: x.common}
	_, err := sweeper.Reconcile(t.Context(), controllers.Sweepable{Kind: directory.Sessions, Namespace: gen.Namespace, Name: "session"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]types.UID{"old"}, x.deleted); diff != "" {
		t.Errorf("uids that were deleted (-want +got):\n%s", diff)
	}
}

func TestAGrantThatWasUsedMeanwhileIsNotSwept(t *testing.T) {
	t.Parallel()
	g := login(day)
	x := newRoom(t, gen.AuthUser("alice"), endingClient("", "20h"), g)
	before := client.MergeFrom(g.DeepCopy())
	g.Spec.RefreshToken.RotatedAt = gen.Time(tenant.Start) // by another replica, and the watch is late
	if err := x.client.Patch(t.Context(), g, before); err != nil {
		t.Fatal(err)
	}
	x.Clock.Step(time.Minute)
	item := controllers.Sweepable{Kind: directory.Grants, Namespace: gen.Namespace, Name: g.Name}
	if _, err := (&controllers.Sweeper{Common: x.common}).Reconcile(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	if err := x.client.Get(t.Context(), client.ObjectKeyFromObject(g), g); err != nil {
		t.Errorf("the grant: %v", err)
	}
}

// TestWhatAChangeMakesSweepable names one session of alice's, whose grant is gone: a look comes by for
// the other one.
func TestWhatAChangeMakesSweepable(t *testing.T) {
	t.Parallel()
	good := session(tenant.Start.Add(time.Hour))
	good.Name = "good"
	orphan := ofGrant("")
	orphan.Spec.GrantID = gen.GrantID("gone")
	x := newRoom(t, gen.AuthUser("alice", gen.Password()), gen.AuthClient("billing"), login(day), good, orphan)
	sweeper := &controllers.Sweeper{Common: x.common}
	aGrant := controllers.Sweepable{Kind: directory.Grants, Namespace: gen.Namespace, Name: "grant"}
	ending := controllers.Sweepable{Kind: directory.Sessions, Namespace: gen.Namespace, Name: "session"}
	allSessions := controllers.Sweepable{Kind: directory.Sessions, Namespace: gen.Namespace}
	for name, tc := range map[string]struct {
		change directory.Change
		want   []controllers.Sweepable
	}{
		"the grant itself":           {change: directory.Change{Kind: directory.Grants, Name: "grant"}, want: []controllers.Sweepable{aGrant}},
		"a session that ends early":  {change: directory.Change{Kind: directory.Sessions, Name: "session"}, want: []controllers.Sweepable{ending, allSessions}},
		"a session that will expire": {change: directory.Change{Kind: directory.Sessions, Name: "good"}, want: []controllers.Sweepable{allSessions}},
		"a session that is no more":  {change: directory.Change{Kind: directory.Sessions, Name: "gone"}, want: []controllers.Sweepable{allSessions}},
		"the user":                   {change: directory.Change{Kind: directory.Users, Name: "alice"}, want: []controllers.Sweepable{ending, aGrant}},
		"the client":                 {change: directory.Change{Kind: directory.Clients, Name: "billing"}, want: []controllers.Sweepable{aGrant}},
		"the password":               {change: directory.Change{Kind: directory.Secrets, Name: "alice-password"}, want: []controllers.Sweepable{ending, aGrant}},
		"somebody else":              {change: directory.Change{Kind: directory.Users, Name: "bob"}},
		"the keyring":                {change: directory.Change{Kind: directory.Keyrings, Name: gen.Namespace}, want: []controllers.Sweepable{ending, aGrant}},
		"another Secret":             {change: directory.Change{Kind: directory.Secrets, Name: "another"}},
		"in another namespace":       {change: directory.Change{Kind: directory.Users, Namespace: "team-b", Name: "alice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.change.Namespace == "" {
				tc.change.Namespace = gen.Namespace
			}
			if diff := cmp.Diff(tc.want, sweeper.Requests(tc.change), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("sweepable (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheSessionsOfADisabledUserGoForGood also where the user is enabled again before all have had their turns.
func TestTheSessionsOfADisabledUserGoForGood(t *testing.T) {
	t.Parallel()
	const many = 100
	x := newRoom(t, gen.AuthUser("alice"))
	manySessions(x, many, session(tenant.Start.Add(time.Hour)))
	sweeper := &controllers.Sweeper{Common: x.common}
	x.Put(gen.AuthUser("alice", gen.Disabled()))
	items := sweeper.Requests(directory.Change{Kind: directory.Users, Namespace: gen.Namespace, Name: "alice"})
	run := func() {
		for _, item := range items {
			if _, err := sweeper.Reconcile(t.Context(), item); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	if early := len(x.deleted); early == 0 || early == many {
		t.Fatalf("%d sessions went at once, want some", early)
	}
	x.Put(gen.AuthUser("alice"))
	x.Clock.Step(time.Minute)
	run()
	if gone := x.forgetDeleted(); gone != many {
		t.Errorf("%d of %d sessions outlive that their user was disabled", many-gone, many)
	}
}

// TestASessionGoesWithThePasswordOfItsLogin also leaves alone what no password made.
func TestASessionGoesWithThePasswordOfItsLogin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version   func(current string) string
		unread    bool // the password's Secret is not there
		wantAfter time.Duration
	}{
		"the current password":                      {version: func(current string) string { return current }, wantAfter: day},
		"one that was replaced":                     {version: func(string) string { return "another" }, wantAfter: 40 * time.Minute},
		"one that was replaced, as far as is known": {version: func(string) string { return "another" }, unread: true, wantAfter: day},
		"none": {version: func(string) string { return "" }, wantAfter: day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newRoom(t, gen.AuthUser("alice", gen.Password()), gen.PasswordSecret("alice", "open sesame"))
			user, _ := x.Rows(t).User("alice")
			current, _ := x.Rows(t).CredentialVersion(user)
			access := &tokens.Access{
				Dialect: tokens.Wazo, Issuer: x.Issuer, Audiences: []string{x.Issuer}, Subject: gen.Subject("alice"), ACL: []string{"#"},
				ID: gen.GrantID("session"), IssuedAt: tenant.Start, NotBefore: tenant.Start, ExpiresAt: tenant.Start.Add(day),
				CredentialVersion: tc.version(current),
			}
			token, err := tokens.NewReference(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			s := young(session(access.ExpiresAt))
			if s.Name, s.Spec.Sealed, err = tokens.SealSession(rand.Reader, x.Ring, token, access); err != nil {
				t.Fatal(err)
			}
			if err := x.client.Create(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			x.deliver(t, s)
			if tc.unread {
				x.Remove(gen.PasswordSecret("alice", "open sesame"))
			}
			if waited, gone := x.sweep(t, s); !gone || waited < tc.wantAfter || waited > tc.wantAfter+time.Minute {
				t.Errorf("gone: %t, after %s; want it to go after %s or a little later", gone, waited, tc.wantAfter)
			}
		})
	}
}

func TestALoginsGrantGoesWithTheOverlapOfItsPassword(t *testing.T) {
	t.Parallel()
	const current, before = 0, 1
	for name, tc := range map[string]struct {
		password int           // that it stems from
		end      time.Duration // of the grant itself; zero: none
		want     time.Duration // when it goes; zero: not at all
	}{
		"the current password stays":              {password: current},
		"the one before ends with the overlap":    {password: before, want: 2 * time.Hour},
		"unless the grant ends before":            {password: before, end: time.Hour, want: time.Hour},
		"also where the grant would end after it": {password: before, end: 3 * time.Hour, want: 2 * time.Hour},
		"a grant by the current one has its end":  {password: current, end: time.Hour, want: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			robot := gen.AuthUser("alice", gen.GeneratedPassword("10h", "2h"), func(u *v1alpha1.AuthUser) {
				u.Status.GeneratedAt, u.Status.PreviousGeneratedAt = gen.Time(tenant.Start), gen.Time(tenant.Start.Add(-day))
			})
			x := newRoom(t, robot, gen.AuthClient("billing"))
			user, _ := x.Rows(t).User("alice")
			good, standing := x.Rows(t).Passwords(user, tenant.Start)
			if len(good) != 2 {
				t.Fatalf("%d passwords are good (%+v), want 2", len(good), standing)
			}
			g := login(day, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Login.CV = good[tc.password].Version })
			if tc.end > 0 {
				gen.GrantExpires(tenant.Start.Add(tc.end))(g)
			}
			if err := x.client.Create(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			x.deliver(t, g)
			latest := tc.want
			if tc.end > 0 && tc.end == tc.want {
				latest += time.Minute // the end of a grant has its own moment after it
			}
			waited, gone := x.sweep(t, g)
			if waited < tc.want || waited > latest || gone != (tc.want > 0) {
				t.Errorf("gone: %t, after %s; want after %s", gone, waited, tc.want)
			}
		})
	}
}
