package passwords

import (
	"sync/atomic"
	"time"
)

// Load is how much work there is, for whoever watches.
type Load struct {
	// Waiting logins have a place in the queue and no worker yet; Running ones have a worker.
	Waiting, Running int
	// Hashed counts the passwords that were hashed, and Waited adds up how long those that got a worker
	// had waited for it, since the Verifier was made.
	Hashed uint64
	Waited time.Duration
	// Verified is how many passwords need no hash at present, at most: some of them may be too old.
	Verified int
}

// Load tells how much work there is. It is safe for concurrent use.
func (v *Verifier) Load() Load {
	return Load{
		Waiting:  int(v.load.waiting.Load()),
		Running:  int(v.load.running.Load()),
		Hashed:   v.load.hashed.Load(),
		Waited:   time.Duration(v.load.waited.Load()),
		Verified: v.cache.until.entries.Len(),
	}
}

// load counts what Load tells.
type load struct {
	waiting, running, waited atomic.Int64
	hashed                   atomic.Uint64
}

// turn is one attempt's way through the queue. It is the one goroutine's that works on the attempt.
type turn struct {
	load  *load
	since time.Time
	begun bool
}

// queue counts an attempt that waits from now on. It has to leave.
func (l *load) queue(now time.Time) *turn {
	l.waiting.Add(1)
	return &turn{load: l, since: now}
}

// begin counts that it has got a worker.
func (t *turn) begin(now time.Time) {
	t.begun = true
	t.load.waiting.Add(-1)
	t.load.running.Add(1)
	t.load.waited.Add(int64(now.Sub(t.since)))
}

func (t *turn) leave() {
	if t.begun {
		t.load.running.Add(-1)
	} else {
		t.load.waiting.Add(-1)
	}
}
