package rollout

import "time"

// Settle is how long a workload waits after a revision for those of its other grants, so that one
// restart serves them all. It is short beside the time that a replaced token is still good.
const Settle = 15 * time.Second

// Grant is one of the grants that name a workload.
type Grant struct {
	// Revision counts the tokens of the grant; zero where there has been none.
	Revision int64
	// DeliveredAt is when the present one came into its Secret, in whole seconds. Until then a pod that
	// started got the one before, however long ago the present one was due.
	DeliveredAt time.Time
	// MinInterval is the least time between two restarts that the grant asks for.
	MinInterval time.Duration
}

// Workload is what a workload tells about its pods.
type Workload struct {
	// StartedAt is when it was made, or when somebody else last restarted it.
	StartedAt time.Time
	// RestartedAt is when it was last restarted for a grant, as recorded in whole seconds; zero: never.
	RestartedAt time.Time
	// AvailableSince is since when enough of its pods have been running; zero where that is not known.
	AvailableSince time.Time
}

// Standing is how a workload stands with one of its grants.
type Standing string

// The standings.
const (
	// Unconcerned: its pods started with the grant's present token, or waited for it.
	Unconcerned Standing = "Unconcerned"
	// Restarted: it was restarted after the second in which the grant's present token came.
	Restarted Standing = "Restarted"
	// Due: pods may have started with an earlier token.
	Due Standing = "Due"
)

// With tells how the workload stands with a grant. A grant's first token concerns only those pods that
// are known to have run without it: a workload that mounts the Secret waits for it.
func (w *Workload) With(g *Grant) Standing {
	switch {
	case g.Revision == 0:
		return Unconcerned
	case w.RestartedAt.After(g.DeliveredAt):
		return Restarted
	case !w.StartedAt.Before(g.DeliveredAt):
		return Unconcerned
	case g.Revision == 1 && (w.AvailableSince.IsZero() || !w.AvailableSince.Before(g.DeliveredAt)):
		return Unconcerned
	}
	return Due
}

// Decision is what to do about a workload.
type Decision struct {
	// Restart says to restart it now and to record At as the time of it.
	Restart bool
	// At is the time to record, or when a restart that is due may be made; zero where none is due.
	At time.Time
}

// Decide says whether a workload is to be restarted now for any of its grants. It is restarted no
// sooner than the longest MinInterval among them after the last time.
func Decide(grants []Grant, w *Workload, now time.Time) Decision {
	var interval time.Duration
	var first, last time.Time
	for i := range grants {
		g := &grants[i]
		interval = max(interval, g.MinInterval)
		if w.With(g) != Due {
			continue
		}
		if first.IsZero() || g.DeliveredAt.Before(first) {
			first = g.DeliveredAt
		}
		last = latest(last, g.DeliveredAt)
	}
	if first.IsZero() {
		return Decision{}
	}
	at := first.Add(Settle)
	if !w.RestartedAt.IsZero() {
		at = latest(at, w.RestartedAt.Add(interval))
	}
	second := now.UTC().Truncate(time.Second)
	if last.Equal(second) { // or nobody could tell which came first
		at = latest(at, second.Add(time.Second))
	}
	if now.Before(at) {
		return Decision{At: at}
	}
	// A token from a clock that was ahead of ours is answered too, or it would be restarted for again.
	return Decision{Restart: true, At: latest(last.Add(time.Second), second)}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
