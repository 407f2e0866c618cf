package issuing_test

import (
	"context"
	"crypto/rand"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// sessionOf is a session of a user as the endpoint makes it, of an hour's life.
func sessionOf(t testing.TB, x *tenant.Tenant, user, id string, mods ...func(*tokens.Access)) *v1alpha1.AuthSession {
	t.Helper()
	a := &tokens.Access{
		Dialect: tokens.Wazo, Issuer: x.Issuer, Audiences: []string{x.Issuer}, Subject: gen.Subject(user), ACL: []string{"#"},
		ID: gen.GrantID(id), IssuedAt: tenant.Start, NotBefore: tenant.Start, ExpiresAt: tenant.Start.Add(time.Hour),
	}
	for _, mod := range mods {
		mod(a)
	}
	token, err := tokens.NewReference(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name, sealed, err := tokens.SealSession(rand.Reader, x.Ring, token, a)
	if err != nil {
		t.Fatal(err)
	}
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec: v1alpha1.AuthSessionSpec{
			ID: a.ID, Subject: a.Subject, ClientID: a.ClientID, GrantID: a.GrantID, GrantNamespace: a.GrantNamespace,
			Mobile: a.Mobile, ExpiresAt: metav1.NewTime(a.ExpiresAt), Sealed: sealed,
		},
	}
}

var inAnyOrder = cmpopts.SortSlices(func(a, b string) bool { return a < b })

func idsOf(live []*tokens.Access) []string {
	ids := []string{}
	for _, a := range live {
		ids = append(ids, a.ID)
	}
	return ids
}

func TestOnlySessionsThatCountAreListed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		session func(*tokens.Access)
		edit    func(*v1alpha1.AuthSession)
		want    bool
	}{
		"one that is good":                         {want: true},
		"one that does not say its id":             {edit: func(s *v1alpha1.AuthSession) { s.Spec.ID = "" }, want: true},
		"one that has expired":                     {session: func(a *tokens.Access) { a.ExpiresAt = tenant.Start.Add(time.Second) }},
		"one of a user who is gone":                {session: func(a *tokens.Access) { a.Subject = gen.Subject("nobody") }},
		"one of a user who is disabled":            {session: func(a *tokens.Access) { a.Subject = gen.Subject("carol") }},
		"one of a password that was replaced":      {session: func(a *tokens.Access) { a.CredentialVersion = "another" }},
		"one of a grant that is gone":              {session: func(a *tokens.Access) { a.GrantID, a.Epoch = gen.GrantID("gone"), 1 }},
		"one of a grant that stands":               {session: ofNightly(1), want: true},
		"one of a grant that has moved on":         {session: ofNightly(7)},
		"one whose seal is that of another name":   {edit: func(s *v1alpha1.AuthSession) { s.Name = tokens.SessionName("another") }},
		"one whose seal is damaged":                {edit: func(s *v1alpha1.AuthSession) { s.Spec.Sealed[40] ^= 1 }},
		"one that is kept under another's subject": {edit: func(s *v1alpha1.AuthSession) { s.Spec.Subject = gen.Subject("bob") }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := team(t, gen.AuthUser("bob"), gen.AuthUser("carol", gen.Disabled()), nightly())
			var mods []func(*tokens.Access)
			if tc.session != nil {
				mods = append(mods, tc.session)
			}
			session := sessionOf(t, x, "alice", "session", mods...)
			if tc.edit != nil {
				tc.edit(session)
			}
			x.Put(session)
			x.Clock.Step(time.Minute)
			live, err := gen.Collect(x.Service.LiveSessions(t.Context(), x.Namespace))
			if err != nil {
				t.Fatal(err)
			}
			if listed := len(live) == 1; listed != tc.want {
				t.Errorf("listed: %t, want %t", listed, tc.want)
			}
		})
	}
}

// ofNightly makes a token one of the grant nightly, in an epoch.
func ofNightly(epoch int64) func(*tokens.Access) {
	return func(a *tokens.Access) {
		a.GrantID, a.Epoch = gen.GrantID("nightly"), epoch
	}
}

func TestSessionsAreListedByTenantAndByUser(t *testing.T) {
	t.Parallel()
	x := team(t, gen.AuthUser("bob"))
	x.Put(sessionOf(t, x, "alice", "last"), sessionOf(t, x, "bob", "second"), sessionOf(t, x, "alice", "first"))
	first, second, last := gen.GrantID("first"), gen.GrantID("second"), gen.GrantID("last")
	all, err := gen.Collect(x.Service.LiveSessions(t.Context(), x.Namespace))
	if diff := cmp.Diff([]string{first, second, last}, idsOf(all), inAnyOrder); diff != "" || err != nil {
		t.Errorf("error %v, sessions of the tenant (-want +got):\n%s", err, diff)
	}
	alices, err := gen.Collect(x.Service.LiveSessionsOf(t.Context(), x.Namespace, gen.Subject("alice")))
	if diff := cmp.Diff([]string{first, last}, idsOf(alices), inAnyOrder); diff != "" || err != nil {
		t.Errorf("error %v, sessions of alice (-want +got):\n%s", err, diff)
	}
	_, err = gen.Collect(x.Service.LiveSessions(t.Context(), "nowhere"))
	wantRefusal(t, err, issuing.UnknownTenant)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if live, err := gen.Collect(x.Service.LiveSessions(ctx, x.Namespace)); err == nil {
		t.Errorf("%d sessions for somebody who is gone", len(live))
	}
}

// TestListsOfSessionsWaitForEachOther: what they take of memory is not multiplied by how many ask.
func TestListsOfSessionsWaitForEachOther(t *testing.T) {
	t.Parallel()
	x := team(t, gen.AuthUser("bob"))
	x.Put(sessionOf(t, x, "alice", "session"))
	var halfway []func()
	for range 2 {
		next, stop := iter.Pull2(x.Service.LiveSessions(t.Context(), x.Namespace))
		t.Cleanup(stop)
		if _, err, ok := next(); err != nil || !ok {
			t.Fatalf("no session, %v", err)
		}
		halfway = append(halfway, stop)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := gen.Collect(x.Service.LiveSessions(ctx, x.Namespace))
	wantRefusal(t, err, issuing.Unavailable)
	halfway[0]()
	if live, err := gen.Collect(x.Service.LiveSessions(t.Context(), x.Namespace)); len(live) != 1 || err != nil {
		t.Errorf("%d sessions, %v, once another list was at its end", len(live), err)
	}
}

// TestAForeignSessionIsCounted also looks twice: it is counted twice, and the log hears of it once.
func TestAForeignSessionIsCounted(t *testing.T) {
	t.Parallel()
	x := team(t)
	seen := observe(t, x)
	var log []string
	x.Service.Log = funcr.New(func(_, text string) { log = append(log, text) }, funcr.Options{})
	session := sessionOf(t, x, "alice", "session")
	session.Spec.Sealed[40] ^= 1
	x.Put(session)
	for range 2 {
		if live, err := gen.Collect(x.Service.LiveSessions(t.Context(), x.Namespace)); len(live) > 0 || err != nil {
			t.Errorf("sessions %v, error %v", live, err)
		}
	}
	if diff := cmp.Diff(map[string]float64{"": 2}, seen.counted(t)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if len(log) != 1 || !strings.Contains(log[0], session.Name) {
		t.Errorf("the log holds %q, want one line that names the session", log)
	}
}

func TestASessionEndsByItsID(t *testing.T) {
	t.Parallel()
	x := liveTeam(t, gen.AuthUser("bob"))
	first, second := wazoLogin(t, x), wazoLogin(t, x)
	forged := sessionOf(t, x.Tenant, "alice", "forged")
	forged.Spec.ID = second.Access.ID // what it says and what is sealed in it are not the same
	older := sessionOf(t, x.Tenant, "alice", "older")
	older.Spec.ID = ""
	x.Create(t, forged, older)

	wantRefusal(t, x.Service.EndSession(t.Context(), x.Namespace, gen.Subject("bob"), first.Access.ID), issuing.UnknownToken)
	wantAccess(t, x.Tenant, first.AccessToken, true)
	for what, id := range map[string]string{"one that is there": first.Access.ID, "one of an earlier version": gen.GrantID("older"), "none": gen.GrantID("none")} {
		for _, subject := range []string{gen.Subject("alice"), ""} {
			if err := x.Service.EndSession(t.Context(), x.Namespace, subject, id); err != nil {
				t.Errorf("%s of %q: %v", what, subject, err)
			}
		}
	}
	wantAccess(t, x.Tenant, first.AccessToken, false)
	wantAccess(t, x.Tenant, second.AccessToken, true)
	if err := x.Service.EndSession(t.Context(), x.Namespace, "", second.Access.ID); err != nil {
		t.Error(err)
	}
	wantAccess(t, x.Tenant, second.AccessToken, false)
	left := x.Sessions(t)
	if len(left) != 1 || left[0].Name != forged.Name {
		t.Errorf("%d sessions are left, want the forged one alone", len(left))
	}
}

// wazoLogin is a login of alice's for a reference token.
func wazoLogin(t testing.TB, x *tenant.OnAPIServer) *issuing.Issued {
	t.Helper()
	issued, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice()})
	if err != nil {
		t.Fatalf("log in: %v", err)
	}
	return issued
}

// TestWhatThisReplicaWroteItKnowsAtOnce takes the API server away right after a login.
func TestWhatThisReplicaWroteItKnowsAtOnce(t *testing.T) {
	t.Parallel()
	x := liveTeam(t)
	issued := wazoLogin(t, x)
	x.Cut()
	wantAccess(t, x.Tenant, issued.AccessToken, true)
}
