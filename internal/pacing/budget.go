package pacing

import "time"

// Budget bounds how often something is done: Burst times at once, and once every Every after that.
// Within any span of Burst times Every it is done at most twice Burst times.
type Budget struct {
	Burst int
	Every time.Duration
}

// Take takes one from a budget that is whole again at the given time, zero where nothing was ever
// taken. It returns when the budget is whole after that and a wait of zero; or the time it was given
// and how long to wait, never longer than Every, even where the clock was set back.
func (b Budget) Take(whole, now time.Time) (after time.Time, wait time.Duration) {
	at, after := b.Reserve(b.clamp(whole, now), now)
	if wait = at.Sub(now); wait > 0 {
		return whole, min(wait, b.Every)
	}
	return after, 0
}

// Reserve takes one from the budget whether or not it is there, and returns when it may be used. Those
// who reserve are served in turn.
func (b Budget) Reserve(whole, now time.Time) (at, after time.Time) {
	at = latest(now, whole.Add(-time.Duration(b.Burst-1)*b.Every))
	return at, latest(whole, now).Add(b.Every)
}

// clamp undoes a clock that was set back: no budget takes longer to become whole than an empty one.
func (b Budget) clamp(whole, now time.Time) time.Time {
	if empty := now.Add(time.Duration(b.Burst) * b.Every); whole.After(empty) {
		return empty
	}
	return whole
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
