package freshness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start is when the first question is asked. It has no monotonic reading, as after Round.
var start = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

func at(after time.Duration) time.Time { return start.Add(after) }

// step is one thing that happens to a view of two parts.
type step func(*View)

func asked(i int, after time.Duration, version string) step {
	return func(v *View) { v.Asked(i, at(after), version, time.Hour) }
}

func saw(i int, version string) step { return func(v *View) { v.Saw(i, version) } }

func refused(i int) step { return func(v *View) { v.Refused(i) } }

func TestAViewIsAsNewAsTheNewestQuestionThatEveryPartHasCaughtUpWith(t *testing.T) {
	t.Parallel()
	both := []step{asked(0, 0, "10"), asked(1, time.Second, "10"), saw(0, "10"), saw(1, "12")}
	for name, tc := range map[string]struct {
		steps []step
		want  time.Time
		lost  bool
		due   []int // an instant later
	}{
		"nothing was asked":                       {due: []int{0, 1}},
		"watches that nobody was asked about":     {steps: []step{saw(0, "10"), saw(1, "10")}, due: []int{0, 1}},
		"one part was never asked about":          {steps: []step{asked(0, 0, "10"), saw(0, "10")}, due: []int{1}},
		"both have caught up":                     {steps: both, want: at(0)},
		"the older part counts":                   {steps: append(both[:4:4], asked(0, time.Minute, "20"), saw(0, "20")), want: at(time.Second)},
		"a watch that has stalled":                {steps: append(both[:4:4], asked(0, time.Minute, "20"), saw(0, "19")), want: at(0)},
		"versions are numbers":                    {steps: []step{asked(0, 0, "9"), asked(1, 0, "9"), saw(0, "10"), saw(1, "100")}, want: at(0)},
		"a version that is none":                  {steps: []step{asked(0, 0, "9"), asked(1, 0, "9"), saw(0, "x"), saw(1, "")}},
		"a question that was answered with none":  {steps: []step{asked(0, 0, "x"), asked(1, 0, "9"), saw(0, "10"), saw(1, "10")}},
		"a later question takes the earlier's":    {steps: append(both[:4:4], asked(0, time.Minute, "20"), asked(0, 2*time.Minute, "30"), saw(0, "20")), want: at(0)},
		"refused once may be a start":             {steps: append(both[:4:4], refused(0)), want: at(0), due: []int{0}},
		"refused once, then read, then once more": {steps: append(both[:4:4], refused(0), asked(0, 0, "10"), refused(0)), want: at(0), due: []int{0}},
		"refused twice":                           {steps: append(both[:4:4], refused(0), refused(0)), want: at(0), lost: true, due: []int{0, 1}},
		"one part each refused once":              {steps: append(both[:4:4], refused(0), refused(1)), want: at(0), due: []int{0, 1}},
		"lost, and one part is back": {
			steps: append(both[:4:4], refused(0), refused(0), asked(0, time.Minute, "20"), saw(0, "20")), want: at(time.Second), lost: true, due: []int{1},
		},
		"lost, and what was asked before": {
			steps: append(both[:4:4], asked(1, time.Minute, "11"), refused(0), refused(0), saw(1, "11"), asked(0, time.Minute, "20"), saw(0, "20")),
			want:  at(time.Second), lost: true, due: []int{1},
		},
		"lost, and all are back": {
			steps: append(both[:4:4], refused(0), refused(0), asked(0, time.Minute, "20"), asked(1, time.Minute, "20"), saw(0, "20"), saw(1, "20")),
			want:  at(time.Minute),
		},
		"lost, and refused again what was back": {
			steps: append(both[:4:4], refused(0), refused(0), asked(0, time.Minute, "20"), saw(0, "20"), refused(0), asked(1, time.Minute, "20"), saw(1, "20")),
			want:  at(time.Minute), lost: true, due: []int{0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := NewView(2)
			for _, step := range tc.steps {
				step(v)
			}
			if got := v.AsOf(); !got.Equal(tc.want) {
				t.Errorf("as of %s, want %s", got, tc.want)
			}
			if v.Lost() != tc.lost {
				t.Errorf("lost: %t, want %t", v.Lost(), tc.lost)
			}
			if diff := cmp.Diff(tc.due, v.Due(at(2*time.Minute))); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartsAreDueInTurn(t *testing.T) {
	t.Parallel()
	v := NewView(3)
	for i := range 3 {
		v.Asked(i, at(0), "1", time.Minute)
	}
	for minute := range 6 {
		now := at(time.Duration(minute+1) * time.Minute)
		if diff := cmp.Diff([]int(nil), v.Due(now.Add(-time.Nanosecond))); diff != "" {
			t.Errorf("just before minute %d (-want +got):\n%s", minute+1, diff)
		}
		if diff := cmp.Diff([]int{minute % 3}, v.Due(now)); diff != "" {
			t.Fatalf("in minute %d (-want +got):\n%s", minute+1, diff)
		}
		v.Asked(minute%3, now, "1", time.Minute)
	}
	if diff := cmp.Diff([]int{0, 1, 2}, v.Due(at(time.Hour))); diff != "" {
		t.Errorf("after a sleep (-want +got):\n%s", diff)
	}
	for i := range 3 { // and the turns do not all come at once from then on
		v.Asked(i, at(time.Hour), "1", time.Minute)
	}
	if diff := cmp.Diff([]int{0}, v.Due(at(time.Hour+time.Minute))); diff != "" {
		t.Errorf("a minute after that (-want +got):\n%s", diff)
	}
	v.Doubt()
	if diff := cmp.Diff([]int{0, 1, 2}, v.Due(at(time.Hour))); diff != "" {
		t.Errorf("in doubt (-want +got):\n%s", diff)
	}
}

func TestTheAgeOfATimeIsWhatTheWallClockSays(t *testing.T) {
	t.Parallel()
	// A time without a monotonic reading is one of which only the wall clock is known: so Sub cannot hide
	// that a machine has slept.
	now := time.Now()
	if got := Age(now.Round(0).Add(time.Hour), now); got != time.Hour {
		t.Errorf("an hour later by the wall: %s", got)
	}
	if got := Age(now.Add(time.Hour), now); got != time.Hour {
		t.Errorf("an hour later by both clocks: %s", got)
	}
	if got := Age(now, now.Add(time.Minute)); got != -time.Minute {
		t.Errorf("a time to come: %s", got)
	}
}

func TestQuestionsAreAsSeldomAsTheLimitAllows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts       int
		limit, want time.Duration
	}{
		"an hour":            {parts: 6, limit: time.Hour, want: time.Minute},
		"an hour, one part":  {parts: 1, limit: time.Hour, want: time.Minute},
		"a day":              {parts: 6, limit: 24 * time.Hour, want: time.Minute},
		"the shortest limit": {parts: 6, limit: MinLimit, want: 5 * time.Second},
		"many parts":         {parts: 30, limit: time.Hour, want: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Pause(tc.parts, tc.limit)
			if got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if oldest := time.Duration(tc.parts)*got + time.Minute; oldest >= tc.limit {
				t.Errorf("a view that is up to date is %s old", oldest)
			}
		})
	}
}
