package issuing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

// elsewhereTeam is liveTeam, whose sessions are in a Redis server that knows what time it is.
func elsewhereTeam(t *testing.T, more ...client.Object) (*tenant.OnAPIServer, *redis.Server) {
	t.Helper()
	x, server := liveTeam(t, more...), redis.Start(t, redis.Options{})
	moveSessions(t, x, server)
	return x, server
}

func moveSessions(t *testing.T, x *tenant.OnAPIServer, server *redis.Server) {
	t.Helper()
	x.Service.Sessions = server.Sessions(t)
	x.Clock.SetTime(time.Now().Truncate(time.Second))
}

func TestSessionsElsewhereCostTheAPIServerNothing(t *testing.T) {
	t.Parallel()
	x, server := elsewhereTeam(t)
	first, second := wazoLogin(t, x), wazoLogin(t, x)
	wantAccess(t, x.Tenant, first.AccessToken, true)
	live, err := gen.Collect(x.Service.LiveSessionsOf(t.Context(), x.Namespace, gen.Subject("alice")))
	if len(live) != 2 || err != nil {
		t.Fatalf("%d sessions, error %v", len(live), err)
	}
	if err := x.Service.EndSession(t.Context(), x.Namespace, "", first.Access.ID); err != nil {
		t.Error(err)
	}
	wantAccess(t, x.Tenant, first.AccessToken, false)
	wantAccess(t, x.Tenant, second.AccessToken, true)
	if writes, stored := x.Writes.Load(), x.Sessions(t); writes != 0 || len(stored) > 0 {
		t.Errorf("%d writes, %d AuthSessions, want none", writes, len(stored))
	}

	server.Stop()
	_, err = x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice()})
	wantRefusal(t, err, issuing.Unavailable)
	_, err = x.Service.Check(t.Context(), x.Namespace, second.AccessToken.Reveal())
	wantRefusal(t, err, issuing.Unavailable)
	wantRefusal(t, x.Service.EndSession(t.Context(), x.Namespace, "", second.Access.ID), issuing.Unavailable)
}

func TestASessionElsewhereDiesWithWhatItHangsOn(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*tenant.OnAPIServer){
		"the user": func(x *tenant.OnAPIServer) {
			rows, _ := x.Directory.Tenant(x.Namespace)
			gone, _ := rows.User("alice")
			x.Remove(gone.AuthUser)
		},
		"that the user may act": func(x *tenant.OnAPIServer) { x.Put(alice(gen.Disabled())) },
		"the password":          func(x *tenant.OnAPIServer) { x.Put(gen.PasswordSecret("alice", "another")) },
		"time":                  func(x *tenant.OnAPIServer) { x.Clock.Step(3 * time.Hour) },
	}
	for name, lose := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, _ := elsewhereTeam(t)
			issued := wazoLogin(t, x)
			wantAccess(t, x.Tenant, issued.AccessToken, true)
			lose(x)
			wantAccess(t, x.Tenant, issued.AccessToken, false)
		})
	}
}

func TestParallelLoginsHoldTheLimitElsewhereToo(t *testing.T) {
	t.Parallel()
	const limit, logins = 5, 16
	x, server := elsewhereTeam(t)
	y := x.Replica(t, cp)
	moveSessions(t, y, server)
	x.Update(t, limited(t, x, limit))
	y.AwaitVersion(t, limited(t, x, limit))
	want := map[issuing.Reason]int{"": limit, issuing.TooManySessions: logins - limit}
	if diff := cmp.Diff(want, atOnce(t, logins, x, y)); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// TestADeliveredTokenIsTheSameElsewhere: its session is made once, whoever delivers it and however often.
func TestADeliveredTokenIsTheSameElsewhere(t *testing.T) {
	t.Parallel()
	x, server := elsewhereTeam(t)
	y := x.Replica(t, cp)
	moveSessions(t, y, server)
	x.Create(t, nightly(func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{Format: v1alpha1.TokenFormatReference}
	}))
	y.Await(t, "the other replica has the grant", func() bool { _, ok := y.Rows(t).Grant("nightly"); return ok })
	terms, r := revised(t, x.Tenant)
	there, _ := revised(t, y.Tenant)
	first, second := deliver(t, x.Tenant, terms, r), deliver(t, y.Tenant, there, r)
	if first.Reveal() != second.Reveal() {
		t.Error("two replicas deliver two tokens")
	}
	wantAccess(t, x.Tenant, first, true)
	if lost, err := x.Service.SessionLost(t.Context(), x.Ring, terms, r.IssuedAt); lost || err != nil {
		t.Errorf("lost %t, error %v", lost, err)
	}
	if err := x.Service.Withdraw(t.Context(), x.Ring, terms, r); err != nil {
		t.Fatal(err)
	}
	wantAccess(t, y.Tenant, first, false)
	if lost, err := y.Service.SessionLost(t.Context(), y.Ring, there, r.IssuedAt); !lost || err != nil {
		t.Errorf("lost %t, error %v", lost, err)
	}
}
