package issuing_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// atOnce has alice log in so many times at once, in turn at each replica, and tells what came of it by
// the reason; the empty one is for a token.
func atOnce(t *testing.T, logins int, replicas ...*tenant.OnAPIServer) map[issuing.Reason]int {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	results := map[issuing.Reason]int{}
	start := make(chan struct{})
	for i := range logins {
		x := replicas[i%len(replicas)]
		all.Go(func() {
			<-start
			_, err := x.Service.Login(t.Context(), x.Namespace, issuing.Login{Credentials: asAlice()})
			reason := issuing.Reason("")
			if err != nil {
				reason = issuing.AsRefusal(err).Reason
			}
			mu.Lock()
			defer mu.Unlock()
			results[reason]++
		})
	}
	close(start)
	all.Wait()
	return results
}

func TestParallelLoginsHoldTheLimitExactly(t *testing.T) {
	t.Parallel()
	const limit, logins = 5, 16
	for name, tc := range map[string]struct {
		// before is how many sessions alice has, ended how many of them end unheard of by the replicas.
		before, ended int
	}{
		"from none":                   {},
		"from some":                   {before: 3},
		"from as many as are allowed": {before: limit},
		"from as many, of which some have just ended": {before: limit, ended: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := liveTeam(t, gen.AuthUser("bob"))
			y := x.Replica(t, cp)
			x.Update(t, limited(t, x, limit))
			y.AwaitVersion(t, limited(t, x, limit))
			for range tc.before {
				wazoLogin(t, x)
			}
			y.Await(t, "both know the sessions", func() bool { return len(y.Rows(t).Sessions()) == tc.before })
			for _, session := range x.Sessions(t)[:tc.ended] {
				if err := x.Client.Delete(t.Context(), &session); err != nil {
					t.Fatal(err)
				}
			}
			admitted := limit - tc.before + tc.ended
			want := map[issuing.Reason]int{issuing.TooManySessions: logins - admitted}
			if admitted > 0 {
				want[""] = admitted
			}
			if diff := cmp.Diff(want, atOnce(t, logins, x, y)); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
			if stored := len(x.Sessions(t)); stored != limit {
				t.Errorf("%d sessions are stored, want %d", stored, limit)
			}
		})
	}
}

// limited is alice as the API server has her, with another limit.
func limited(t *testing.T, x *tenant.OnAPIServer, limit int32) client.Object {
	t.Helper()
	user := alice()
	user.Namespace = x.Namespace
	if err := x.Client.Get(t.Context(), client.ObjectKeyFromObject(user), user); err != nil {
		t.Fatal(err)
	}
	user.Spec.MaxSessions = &limit
	return user
}
