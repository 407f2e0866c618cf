package controllers

import (
	"testing"
	"time"
)

// TestTurnsOutliveAClockThatIsSetBack: nobody waits for the hour that the clock has lost.
func TestTurnsOutliveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 4, 10, 30, 0, 0, time.UTC)
	var all turns
	for all.take(now) { // until the budget is spent
	}
	now = now.Add(-time.Hour)
	whole := time.Duration(sweepBudget.Burst) * sweepBudget.Every
	if wait := all.wait(Sweepable{Name: "one"}, false, now); wait > whole {
		t.Errorf("one waits for %s after the clock was set back, want %s at most", wait, whole)
	}
	if !all.take(now.Add(2 * whole)) {
		t.Error("no turn is free once the budget is whole")
	}
}
