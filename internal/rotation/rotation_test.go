package rotation_test

import (
	"testing"
	"testing/quick"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/rotation"
)

// made is the second of the first credential.
var made = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

func TestDecide(t *testing.T) {
	t.Parallel()
	weekly := rotation.Policy{Every: week, Overlap: day}
	first := rotation.Generation{Current: made}
	second := rotation.Generation{Current: made.Add(week), Previous: made}
	tests := map[string]struct {
		policy rotation.Policy
		found  rotation.Generation
		after  time.Duration // since made
		want   rotation.Generation
	}{
		"a new credential stays":                           {weekly, first, 0, first},
		"it stays to its last second":                      {weekly, first, week - time.Second, first},
		"then the next one takes its place":                {weekly, first, week, second},
		"which is the same if it is made late":             {weekly, first, week + 12*time.Hour - time.Second, second},
		"the one before is good during the overlap":        {weekly, second, week + day - time.Second, second},
		"and not after it":                                 {weekly, second, week + day, rotation.Generation{Current: made.Add(week)}},
		"periods that were missed leave no credentials":    {weekly, first, 5*week + time.Hour, rotation.Generation{Current: made.Add(5 * week), Previous: made}},
		"half of an overlap is left after an outage":       {weekly, first, week + 12*time.Hour, rotation.Generation{Current: made.Add(week + 12*time.Hour), Previous: made}},
		"also where the outage was longer than it":         {weekly, first, 2*week + 3*day + time.Second, rotation.Generation{Current: made.Add(2*week + 3*day), Previous: made}},
		"two rotations with one credential before":         {weekly, second, 2 * week, rotation.Generation{Current: made.Add(2 * week), Previous: made.Add(week)}},
		"a clock that was set back keeps what is there":    {weekly, second, -time.Hour, second},
		"and brings nothing back":                          {weekly, rotation.Generation{Current: made.Add(week)}, week + time.Hour, rotation.Generation{Current: made.Add(week)}},
		"without a period it stays for good":               {rotation.Policy{Overlap: day}, first, 100 * week, first},
		"without a period an overlap still ends":           {rotation.Policy{Overlap: day}, second, week + day, rotation.Generation{Current: made.Add(week)}},
		"an overlap as long as the period":                 {rotation.Policy{Every: week, Overlap: week}, second, 2*week - time.Second, second},
		"gives way to the next one without a gap":          {rotation.Policy{Every: week, Overlap: week}, second, 2 * week, rotation.Generation{Current: made.Add(2 * week), Previous: made.Add(week)}},
		"an overlap of a second knows no halves":           {rotation.Policy{Every: time.Hour, Overlap: time.Second}, first, time.Hour, rotation.Generation{Current: made.Add(time.Hour), Previous: made}},
		"and is over where the rotation comes late":        {rotation.Policy{Every: time.Hour, Overlap: time.Second}, first, time.Hour + time.Second, rotation.Generation{Current: made.Add(time.Hour)}},
		"a shorter period than before rotates at once":     {rotation.Policy{Every: time.Hour, Overlap: time.Hour}, first, 3*time.Hour + time.Minute, rotation.Generation{Current: made.Add(3 * time.Hour), Previous: made}},
		"a longer overlap than before brings nothing back": {rotation.Policy{Every: week, Overlap: week}, rotation.Generation{Current: made.Add(week)}, week + 2*day, rotation.Generation{Current: made.Add(week)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := made.Add(tc.after)
			got := tc.policy.Decide(tc.found, now)
			if got != tc.want {
				t.Fatalf("Decide() = %+v, want %+v", got, tc.want)
			}
			if again := tc.policy.Decide(got, now); again != got {
				t.Errorf("decided again it is %+v", again)
			}
		})
	}
}

func TestWhenToLookAgain(t *testing.T) {
	t.Parallel()
	weekly := rotation.Policy{Every: week, Overlap: day}
	tests := map[string]struct {
		policy                       rotation.Policy
		found                        rotation.Generation
		wantRotation, wantOverlapEnd time.Time
	}{
		"nothing was made":        {weekly, rotation.Generation{}, time.Time{}, time.Time{}},
		"the first credential":    {weekly, rotation.Generation{Current: made}, made.Add(week), time.Time{}},
		"in an overlap":           {weekly, rotation.Generation{Current: made.Add(week), Previous: made}, made.Add(2 * week), made.Add(week + day)},
		"one that stays for good": {rotation.Policy{Overlap: day}, rotation.Generation{Current: made}, time.Time{}, time.Time{}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.policy.RotationTime(tc.found); !got.Equal(tc.wantRotation) {
				t.Errorf("RotationTime() = %s, want %s", got, tc.wantRotation)
			}
			if got := tc.policy.OverlapEnd(tc.found); !got.Equal(tc.wantOverlapEnd) {
				t.Errorf("OverlapEnd() = %s, want %s", got, tc.wantOverlapEnd)
			}
		})
	}
}

// TestWhateverTheClockShows holds for every policy and every moment.
func TestWhateverTheClockShows(t *testing.T) {
	t.Parallel()
	holds := func(every, overlap uint32, late int64) bool {
		p := rotation.Policy{Every: time.Hour + time.Duration(every)*time.Second}
		p.Overlap = min(time.Second+time.Duration(overlap)*time.Second, p.Every)
		now := made.Add(time.Duration(late))
		found := rotation.Generation{Current: made}
		got := p.Decide(found, now)
		rotated := got.Current != made
		return rotated == (now.Sub(made) >= p.Every) && // on time
			(!rotated || !got.Current.After(now)) && // never ahead of the clock
			got.Current.Nanosecond() == 0 &&
			(got.Previous.IsZero() || got.Previous.Equal(made)) &&
			p.Decide(got, now) == got && // once
			(!rotated || p.RotationTime(got).After(now)) && // and no second time soon
			// whoever has to take it up has the time for it
			(!rotated || p.Overlap < 2*time.Second || p.OverlapEnd(got).Sub(now) >= p.Overlap/2-time.Second)
	}
	if err := quick.Check(holds, &quick.Config{MaxCount: 20000}); err != nil {
		t.Error(err)
	}
}
