package controllers

import (
	"sync"
	"time"
)

// turns share out sweepBudget. The zero value is ready for use.
type turns struct {
	mu      sync.Mutex
	whole   time.Time
	waiting map[Sweepable]turn
}

// turn is when an object may be swept, and whether it goes then whatever has become of it.
type turn struct {
	at       time.Time
	isDoomed bool
}

// wait is how long an object waits for its turn. Where that is not at all, the turn is over with it.
func (t *turns) wait(item Sweepable, isDoomed bool, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine, waits := t.waiting[item]
	if !waits {
		t.clamp(now)
		mine.at, t.whole = sweepBudget.Reserve(t.whole, now)
	}
	if now.Before(mine.at) {
		if t.waiting == nil {
			t.waiting = map[Sweepable]turn{}
		}
		mine.isDoomed = mine.isDoomed || isDoomed
		t.waiting[item] = mine
		return mine.at.Sub(now)
	}
	delete(t.waiting, item)
	return 0
}

// take takes a turn that is free now, for an object that does not wait for one.
func (t *turns) take(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clamp(now)
	at, whole := sweepBudget.Reserve(t.whole, now)
	if now.Before(at) {
		return false
	}
	t.whole = whole
	return true
}

// clamp undoes a clock that was set back: the budget is whole as soon as all who wait have had their turns.
func (t *turns) clamp(now time.Time) {
	latest := now.Add(time.Duration(sweepBudget.Burst+len(t.waiting)) * sweepBudget.Every)
	if t.whole.After(latest) {
		t.whole = latest
	}
}

// of gives the turn that an object waits for.
func (t *turns) of(item Sweepable) (mine turn, waits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine, waits = t.waiting[item]
	return mine, waits
}

func (t *turns) giveUp(item Sweepable) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, item)
}
