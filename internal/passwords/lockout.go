package passwords

import "time"

// policy is the arithmetic of the lockout. It is pure: it holds no state, and
// now comes in as a parameter.
type policy struct {
	free    int           // failures of one login from one source that cost no wait
	first   time.Duration // the wait after the last free failure
	longest time.Duration // what the wait doubles up to
	quiet   time.Duration // without a failure for this long, a source starts anew

	burst  int           // failures of one bucket that pass at once
	refill time.Duration // after this long one more passes

	familiar time.Duration // for this long after a success, a source has a bucket to itself
}

// standard is the policy in force. A source that paces itself perfectly gets
// some 300 guesses a day at one login; all strangers together get one a minute,
// 1,440 a day, and fifty once.
var standard = policy{
	free:     5,
	first:    time.Second,
	longest:  5 * time.Minute,
	quiet:    time.Hour,
	burst:    50,
	refill:   time.Minute,
	familiar: 7 * 24 * time.Hour,
}

// state orders what may become of an attempt, the worst last.
type state int

const (
	open   state = iota // it may go on
	busy                // it depends on attempts that are not settled yet
	closed              // it is refused
)

// verdict is a state, and for closed how long it lasts.
type verdict struct {
	state state
	wait  time.Duration
}

// worse returns the verdict that decides where two apply.
func worse(a, b verdict) verdict {
	if b.state > a.state || b.state == a.state && b.wait > a.wait {
		return b
	}
	return a
}

// tally counts the failures of one login from one source.
type tally struct {
	failures int
	last     time.Time // of the last failure
}

// current is the count that holds now.
func (p policy) current(t tally, now time.Time) int {
	if now.Sub(t.last) >= p.quiet {
		return 0
	}
	return t.failures
}

// delay is how long after a failure the next attempt may be made, if that was
// the failure of this number.
func (p policy) delay(failures int) time.Duration {
	if failures < p.free {
		return 0
	}
	wait := p.first
	for range failures - p.free {
		if wait *= 2; wait >= p.longest {
			return p.longest
		}
	}
	return wait
}

// judgeSource says what a source may do for a login while some of its attempts
// are pending: as many at once as it has free failures left, then one at a
// time.
func (p policy) judgeSource(t tally, pending int, now time.Time) verdict {
	failures := p.current(t, now)
	if wait := t.last.Add(p.delay(failures)).Sub(now); failures >= p.free && wait > 0 {
		return verdict{state: closed, wait: wait}
	}
	if pending >= max(1, p.free-failures) {
		return verdict{state: busy}
	}
	return verdict{}
}

// fail counts one more failure.
func (p policy) fail(t tally, now time.Time) tally {
	return tally{failures: p.current(t, now) + 1, last: now}
}

// ceiling is a bucket of failures of one login, kept as the one moment at
// which it will be full again: every failure moves it one refill further.
type ceiling struct{ full time.Time }

// debt is how much of the bucket is used up, as the time it takes to refill.
func (c ceiling) debt(now time.Time) time.Duration { return max(0, c.full.Sub(now)) }

// judgeLogin says what those who share a bucket may do for a login while some
// of their attempts are pending.
func (p policy) judgeLogin(c ceiling, pending int, now time.Time) verdict {
	debt, limit := c.debt(now), time.Duration(p.burst-1)*p.refill
	if debt > limit {
		return verdict{state: closed, wait: debt - limit}
	}
	if debt+time.Duration(pending)*p.refill > limit {
		return verdict{state: busy}
	}
	return verdict{}
}

// charge takes one failure out of the bucket.
func (p policy) charge(c ceiling, now time.Time) ceiling {
	return ceiling{full: now.Add(c.debt(now) + p.refill)}
}

// isFamiliar reports whether a success at the given moment still counts.
func (p policy) isFamiliar(success, now time.Time) bool {
	return now.Sub(success) < p.familiar
}
