package rollout_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/rollout"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func TestHowAWorkloadStandsWithAGrant(t *testing.T) {
	t.Parallel()
	old := rollout.Workload{StartedAt: at(-time.Hour)}
	for name, tc := range map[string]struct {
		workload rollout.Workload
		revision int64
		want     rollout.Standing
	}{
		"without a token yet":                                                {workload: old, revision: 0, want: rollout.Unconcerned},
		"pods older than a later token":                                      {workload: old, revision: 2, want: rollout.Due},
		"pods of the token's second":                                         {workload: rollout.Workload{StartedAt: start}, revision: 2, want: rollout.Unconcerned},
		"pods younger than the token":                                        {workload: rollout.Workload{StartedAt: at(time.Second)}, revision: 2, want: rollout.Unconcerned},
		"pods of a restart after the token":                                  {workload: rollout.Workload{StartedAt: at(-time.Hour), RestartedAt: at(time.Second)}, revision: 2, want: rollout.Restarted},
		"pods of a restart in the token's second, which may have come first": {workload: rollout.Workload{StartedAt: at(-time.Hour), RestartedAt: start}, revision: 2, want: rollout.Due},
		"pods of a restart before the token":                                 {workload: rollout.Workload{StartedAt: at(-time.Hour), RestartedAt: at(-time.Second)}, revision: 2, want: rollout.Due},
		"the first token, and nobody knows whether pods run":                 {workload: old, revision: 1, want: rollout.Unconcerned},
		"the first token, and pods that waited for it":                       {workload: rollout.Workload{StartedAt: at(-time.Hour), AvailableSince: at(20 * time.Second)}, revision: 1, want: rollout.Unconcerned},
		"the first token, and pods that ran without it before":               {workload: rollout.Workload{StartedAt: at(-time.Hour), AvailableSince: at(-time.Minute)}, revision: 1, want: rollout.Due},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.workload.With(&rollout.Grant{Revision: tc.revision, DeliveredAt: start}); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWhenAWorkloadIsRestarted(t *testing.T) {
	t.Parallel()
	grant := func(issued time.Duration, interval time.Duration) rollout.Grant {
		return rollout.Grant{Revision: 2, DeliveredAt: at(issued), MinInterval: interval}
	}
	old := rollout.Workload{StartedAt: at(-24 * time.Hour)}
	restarted := func(ago time.Duration) rollout.Workload {
		return rollout.Workload{StartedAt: at(-24 * time.Hour), RestartedAt: at(-ago)}
	}
	for name, tc := range map[string]struct {
		grants   []rollout.Grant
		workload rollout.Workload
		now      time.Duration
		want     rollout.Decision
	}{
		"for nobody: not": {workload: old},
		"for a token that its pods have: not": {
			grants: []rollout.Grant{grant(-time.Second, time.Hour)}, workload: restarted(0), now: time.Hour,
		},
		"right after a revision: a moment later, with others": {
			grants: []rollout.Grant{grant(0, time.Hour)}, workload: old, want: rollout.Decision{At: at(rollout.Settle)},
		},
		"that moment later": {
			grants: []rollout.Grant{grant(0, time.Hour)}, workload: old, now: rollout.Settle,
			want: rollout.Decision{Restart: true, At: at(rollout.Settle)},
		},
		"the moment counts from the first revision: more that follow put it off no further": {
			grants: []rollout.Grant{grant(10*time.Second, time.Hour), grant(0, time.Hour)}, workload: old, now: rollout.Settle,
			want: rollout.Decision{Restart: true, At: at(rollout.Settle)},
		},
		"in the second of a revision: in the next": {
			grants: []rollout.Grant{grant(-time.Minute, time.Hour), grant(0, time.Hour)}, workload: old, now: 300 * time.Millisecond,
			want: rollout.Decision{At: at(time.Second)},
		},
		"within the interval: at its end": {
			grants: []rollout.Grant{grant(0, time.Hour)}, workload: restarted(20 * time.Minute), now: time.Minute,
			want: rollout.Decision{At: at(40 * time.Minute)},
		},
		"of several intervals the longest counts, whoever has the new token": {
			grants: []rollout.Grant{grant(0, time.Minute), grant(-30*time.Minute, 2*time.Hour)}, workload: restarted(20 * time.Minute), now: time.Minute,
			want: rollout.Decision{At: at(100 * time.Minute)},
		},
		"at the end of the interval": {
			grants: []rollout.Grant{grant(0, time.Hour)}, workload: restarted(20 * time.Minute), now: 40 * time.Minute,
			want: rollout.Decision{Restart: true, At: at(40 * time.Minute)},
		},
		"for a token from a clock that was ahead, which is recorded": {
			grants: []rollout.Grant{grant(-time.Minute, 0), grant(2*time.Hour, 0)}, workload: old,
			want: rollout.Decision{Restart: true, At: at(2*time.Hour + time.Second)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, rollout.Decide(tc.grants, &tc.workload, at(tc.now))); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
		})
	}
}

// However often it is asked, in whatever order revisions come: never twice within the interval, never
// twice for the same revisions, and never too late.
func TestRestartsAreBoundedAndComplete(t *testing.T) {
	t.Parallel()
	const interval = 10 * time.Minute
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		w := rollout.Workload{StartedAt: at(-time.Hour)}
		grants := make([]rollout.Grant, 4)
		var restarts, revisions int
		for now := start; now.Before(at(12 * time.Hour)); now = now.Add(time.Duration(random.IntN(20)) * time.Second) {
			if random.IntN(60) == 0 {
				revisions++
				g := &grants[random.IntN(len(grants))]
				*g = rollout.Grant{Revision: g.Revision + 1, DeliveredAt: now, MinInterval: interval}
			}
			d := rollout.Decide(grants, &w, now)
			for i := range grants {
				if wait := now.Sub(grants[i].DeliveredAt); w.With(&grants[i]) == rollout.Due && !d.Restart && wait > interval+rollout.Settle+time.Second {
					t.Fatalf("seed %d: a revision has waited for %s", seed, wait)
				}
			}
			if !d.Restart {
				continue
			}
			if !w.RestartedAt.IsZero() && now.Sub(w.RestartedAt) < interval {
				t.Fatalf("seed %d: restarted again after %s", seed, now.Sub(w.RestartedAt))
			}
			w.RestartedAt, restarts = d.At, restarts+1
			if again := rollout.Decide(grants, &w, now); again != (rollout.Decision{}) {
				t.Fatalf("seed %d: after the restart %+v", seed, again)
			}
		}
		if restarts == 0 || restarts > revisions {
			t.Fatalf("seed %d: %d restarts for %d revisions", seed, restarts, revisions)
		}
	}
}
