package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

const (
	// crashSites times crashesEach is how often a leader is killed.
	crashSites, crashesEach = 4, 5
	crashGrants             = 20
	// takeover is how long the work may rest after a leader was killed: the lease, and a little.
	takeover = 20 * time.Second
)

// moments are those of a rotation at which a leader is killed.
var moments = []struct {
	name string
	// at tells the request that is under way then; done: whether the API server has carried it out.
	at   func(*http.Request) bool
	done bool
}{
	{"before the Secret was written", isSecretUpdate, false},
	{"after the Secret was written and before it was told so", isSecretUpdate, true},
	{"between Secret and status", isStatusWrite, false},
	{"after the status was written and before it was told so", isStatusWrite, true},
}

// TestALeaderKilledInMidRotationIssuesNothingTwiceAndLeavesNoGap kills the leader of two replicas with
// SIGKILL at each of the moments of a rotation, while others are under way too.
func TestALeaderKilledInMidRotationIssuesNothingTwiceAndLeavesNoGap(t *testing.T) {
	t.Parallel()
	var (
		mu                        sync.Mutex
		slowest                   time.Duration
		killed, revisions, broken int
	)
	t.Cleanup(func() { // after all sites
		figure(t, "crash: leaders killed in mid-rotation", killed)
		figure(t, "crash: revisions seen", revisions)
		figure(t, "crash: revisions issued twice, and gaps", broken)
		figure(t, "crash: longest rest until another replica wrote (at most 20s)", slowest)
		if slowest > takeover {
			t.Errorf("the work rested for %s, want at most %s", slowest, takeover)
		}
	})
	for i := range crashSites {
		t.Run(fmt.Sprintf("site %d", i), func(t *testing.T) {
			t.Parallel()
			c := newCrashing(t)
			for round := range crashesEach {
				rest := c.killLeader(t, (i+round)%len(moments))
				mu.Lock()
				slowest, killed = max(slowest, rest), killed+1
				mu.Unlock()
			}
			awaitReady(t, c.grants...)
			c.seen.Check(t)
			mu.Lock()
			defer mu.Unlock()
			revisions += len(c.seen.All())
			broken += len(c.seen.Violations())
		})
	}
}

// crashing is a site of which there are always two replicas.
type crashing struct {
	*site
	replicas map[*operator.Operator]*watched
	wrote    chan struct{} // gets a value when a Secret has been written
	grants   []*v1alpha1.RefreshTokenGrant
}

func newCrashing(t *testing.T) *crashing {
	t.Helper()
	c := &crashing{site: newSite(t, "crash"), replicas: map[*operator.Operator]*watched{}, wrote: make(chan struct{}, 1)}
	c.populate(t, c.tenant())
	for range 2 {
		c.add(t)
	}
	for o := range c.replicas {
		if err := o.AwaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Renewed every five to ten seconds, a minute before they expire.
	c.grants = c.site.grants(t, c.tenant(), "grant", crashGrants, each(lifetime(70*time.Second, time.Minute)))
	awaitReady(t, c.grants...)
	return c
}

func (c *crashing) add(t *testing.T) {
	t.Helper()
	proxy, w := stage.NewProxy(t, cp.Config), &watched{wrote: c.wrote}
	proxy.Use(w.rule)
	c.replicas[c.launch(t, through(proxy))] = w
}

// killLeader waits until a rotation has come to a moment, kills the replica that carries it out, and
// returns how long nobody wrote then. The other one has to serve meanwhile.
func (c *crashing) killLeader(t *testing.T, moment int) (rest time.Duration) {
	t.Helper()
	for _, w := range c.replicas {
		w.arm(moment)
	}
	var leader, follower *operator.Operator
	eventually(t, func(context.Context) error {
		for o, w := range c.replicas {
			select {
			case <-w.caught:
				leader = o
			default:
				follower = o
			}
		}
		if leader == nil {
			return fmt.Errorf("no leader has come to the moment %q", moments[moment].name)
		}
		return nil
	})
	leader.Kill()
	killed := time.Now()
	delete(c.replicas, leader)
	c.replicas[follower].disarm()
	select {
	case <-c.wrote: // by the one that is dead
	default:
	}
	c.add(t)

	serves := newCaller(t, secretOf(t, c.grants[0]), follower, "")
	eventually(t, func(ctx context.Context) error {
		if err := serves.clientCredentials(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("the follower does not serve: %v", err)
		}
		select {
		case <-c.wrote:
			rest = since(killed)
			return nil
		default:
			return fmt.Errorf("nobody writes")
		}
	})
	return rest
}

// watched is a replica's way to the API server, on which it can be caught in the act.
type watched struct {
	wrote chan<- struct{}

	mu     sync.Mutex
	moment int
	armed  bool
	caught chan struct{} // closed once the moment has come
}

func (w *watched) arm(moment int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.moment, w.caught = true, moment, make(chan struct{})
}

func (w *watched) disarm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
}

// catches tells whether this request is the one that was waited for.
func (w *watched) catches(r *http.Request) (caught, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed || !moments[w.moment].at(r) {
		return false, false
	}
	w.armed = false
	return true, moments[w.moment].done
}

func (w *watched) rule(writer http.ResponseWriter, r *http.Request, next http.Handler) {
	if caught, done := w.catches(r); caught {
		if done {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		close(w.caught)
		<-r.Context().Done() // the replica is killed now
		return
	}
	next.ServeHTTP(writer, r)
	if isSecretUpdate(r) && r.Context().Err() == nil { // not one of a replica that is dead by now
		select {
		case w.wrote <- struct{}{}:
		default:
		}
	}
}

// TestALeaderThatIsToldToStopHandsOver measures how long nobody holds the lease.
func TestALeaderThatIsToldToStopHandsOver(t *testing.T) {
	t.Parallel()
	const handovers, within = 5, 3 * time.Second
	s := newSite(t, "handover")
	s.populate(t, s.tenant())
	leader := s.start(t)
	g := grant(s.tenant(), "first")
	s.apply(t, g)
	awaitReady(t, g)
	var slowest time.Duration
	for i := range handovers {
		follower := s.start(t)
		serves := newCaller(t, secretOf(t, g), follower, "")
		next := grant(s.tenant(), fmt.Sprintf("next-%d", i), gen.GrantScopes("orders:write"))
		told := time.Now()
		stopped := make(chan error, 1)
		go func() { stopped <- leader.Stop() }()
		s.apply(t, next)
		eventually(t, func(ctx context.Context) error {
			if err := serves.clientCredentials(ctx); err != nil {
				t.Errorf("the follower does not serve: %v", err)
			}
			return s.ledBy(ctx, i+1)
		})
		slowest = max(slowest, since(told))
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		awaitReady(t, next)
		leader = follower
	}
	s.seen.Check(t)
	figure(t, "handover: leaders told to stop", handovers)
	figure(t, "handover: longest until another replica led (at most 3s)", slowest)
	if slowest > within {
		t.Errorf("nobody led for %s, want at most %s", slowest, within)
	}
}
