package pacing_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/pacing"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTakingFromABudget(t *testing.T) {
	t.Parallel()
	budget := pacing.Budget{Burst: 3, Every: 10 * time.Second}
	for name, tc := range map[string]struct {
		// whole is when the budget is whole again, from now.
		whole     time.Duration
		wantWhole time.Duration
		wantWait  time.Duration
	}{
		"of which nothing was taken for long":          {whole: -time.Hour, wantWhole: 10 * time.Second},
		"that is whole this very moment":               {whole: 0, wantWhole: 10 * time.Second},
		"of which one was taken":                       {whole: 10 * time.Second, wantWhole: 20 * time.Second},
		"of which one is left":                         {whole: 20 * time.Second, wantWhole: 30 * time.Second},
		"of which almost one is left":                  {whole: 21 * time.Second, wantWhole: 21 * time.Second, wantWait: time.Second},
		"that is spent":                                {whole: 30 * time.Second, wantWhole: 30 * time.Second, wantWait: 10 * time.Second},
		"that was spent before the clock was set back": {whole: 2 * time.Hour, wantWhole: 2 * time.Hour, wantWait: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after, wait := budget.Take(start.Add(tc.whole), start)
			if after.Sub(start) != tc.wantWhole || wait != tc.wantWait {
				t.Errorf("whole after %s, wait %s; want %s, %s", after.Sub(start), wait, tc.wantWhole, tc.wantWait)
			}
		})
	}
	if after, wait := budget.Take(time.Time{}, start); wait != 0 || !after.Equal(start.Add(10*time.Second)) {
		t.Errorf("the first of all: whole at %s, wait %s", after, wait)
	}
}

func TestNoMinuteSeesMoreThanTwiceTheBurst(t *testing.T) {
	t.Parallel()
	budget := pacing.Budget{Burst: 6, Every: 10 * time.Second}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var whole time.Time
		var taken []time.Time
		for now := start; now.Before(start.Add(10 * time.Minute)); now = now.Add(time.Duration(random.IntN(3000)) * time.Millisecond) {
			after, wait := budget.Take(whole, now)
			if wait == 0 {
				taken = append(taken, now)
			}
			whole = after
		}
		for i := range taken {
			within := 0
			for _, at := range taken[i:] {
				if at.Sub(taken[i]) < time.Minute {
					within++
				}
			}
			if within > 12 {
				t.Fatalf("seed %d: %d within a minute", seed, within)
			}
		}
		if len(taken) < 55 {
			t.Fatalf("seed %d: %d in ten minutes, want about one every ten seconds", seed, len(taken))
		}
	}
}

func TestAfterABudgetWasTakenItIsThereAgainWhenItSaid(t *testing.T) {
	t.Parallel()
	budget := pacing.Budget{Burst: 2, Every: 7 * time.Second}
	var whole time.Time
	for range 2 {
		whole, _ = budget.Take(whole, start)
	}
	_, wait := budget.Take(whole, start)
	if _, still := budget.Take(whole, start.Add(wait-1)); still == 0 {
		t.Error("it is there early")
	}
	if _, still := budget.Take(whole, start.Add(wait)); still != 0 {
		t.Errorf("another wait of %s", still)
	}
}

func TestThoseWhoReserveAreServedInTurn(t *testing.T) {
	t.Parallel()
	budget := pacing.Budget{Burst: 2, Every: time.Second}
	var whole, at time.Time
	var waits []time.Duration
	for range 5 {
		at, whole = budget.Reserve(whole, start)
		waits = append(waits, at.Sub(start))
	}
	want := []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestManyAreSpreadEvenlyAndEachFindsItsPlaceAgain(t *testing.T) {
	t.Parallel()
	const window, parts, many = time.Hour, 10, 10000
	var held [parts]int
	for i := range many {
		key := strconv.Itoa(i)
		place := pacing.Spread(key, window)
		if place < 0 || place >= window {
			t.Fatalf("%q is at %s, outside the window", key, place)
		}
		if again := pacing.Spread(key, window); again != place {
			t.Fatalf("%q is at %s and then at %s", key, place, again)
		}
		held[place*parts/window]++
	}
	for part, n := range held {
		if n < many/parts*8/10 || n > many/parts*12/10 {
			t.Errorf("part %d holds %d of %d", part, n, many)
		}
	}
	if place := pacing.Spread("any", 0); place != 0 {
		t.Errorf("without a window: %s", place)
	}
}

func TestUrgency(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		left time.Duration
		want int
	}{
		"long expired":          {left: -time.Hour, want: 16},
		"expires this moment":   {left: 0, want: 16},
		"the last second":       {left: time.Second, want: 15},
		"less than two minutes": {left: 119 * time.Second, want: 14},
		"two minutes":           {left: 2 * time.Minute, want: 13},
		"an hour":               {left: time.Hour, want: 9},
		"a day":                 {left: 24 * time.Hour, want: 4},
		"a year":                {left: 365 * 24 * time.Hour, want: 1},
		"as long as can be":     {left: 1<<63 - 1, want: 1},
		"as long ago as can be": {left: -1 << 63, want: 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pacing.Urgency(tc.left); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
	for left := -time.Minute; left < 48*time.Hour; left += time.Second {
		if pacing.Urgency(left) < pacing.Urgency(left+time.Second) {
			t.Fatalf("a second more than %s is more urgent", left)
		}
	}
}

func TestWhatHasFailedComesLastAndInOrder(t *testing.T) {
	t.Parallel()
	least := pacing.Urgency(1<<63 - 1)
	if failed := pacing.AfterFailure(pacing.Expired); failed >= least {
		t.Errorf("the most urgent is %d after a failure, the least urgent %d without", failed, least)
	}
	if pacing.AfterFailure(pacing.Expired) <= pacing.AfterFailure(least) {
		t.Error("after a failure the order is lost")
	}
}
