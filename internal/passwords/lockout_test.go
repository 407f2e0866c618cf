package passwords

import (
	"testing"
	"time"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func TestDelay(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		failures int
		want     time.Duration
	}{
		"no failure costs nothing":                  {0, 0},
		"the fourth failure costs nothing":          {4, 0},
		"the fifth failure costs a second":          {5, time.Second},
		"the sixth failure costs two":               {6, 2 * time.Second},
		"the ninth failure costs sixteen":           {9, 16 * time.Second},
		"the thirteenth failure stays below":        {13, 256 * time.Second},
		"the fourteenth failure meets the cap":      {14, 5 * time.Minute},
		"the cap holds however many failures there": {1 << 30, 5 * time.Minute},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := standard.delay(tc.failures); got != tc.want {
				t.Errorf("delay(%d) = %s, want %s", tc.failures, got, tc.want)
			}
		})
	}
}

func TestJudgeSource(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		failures int
		ago      time.Duration // since the last failure
		pending  int
		want     verdict
	}{
		"a source without failures may try":              {0, 0, 0, verdict{}},
		"it may try five times at once":                  {0, 0, 4, verdict{}},
		"it may not try six times at once":               {0, 0, 5, verdict{state: busy}},
		"failures and pending attempts count together":   {3, time.Millisecond, 2, verdict{state: busy}},
		"one free failure left is one attempt":           {4, time.Millisecond, 0, verdict{}},
		"which is used up while it is pending":           {4, time.Millisecond, 1, verdict{state: busy}},
		"the fifth failure closes for a second":          {5, 0, 0, verdict{closed, time.Second}},
		"of which less is left later":                    {5, 900 * time.Millisecond, 0, verdict{closed, 100 * time.Millisecond}},
		"pending attempts do not matter while closed":    {5, 0, 3, verdict{closed, time.Second}},
		"it opens when the second is over":               {5, time.Second, 0, verdict{}},
		"for one attempt at a time":                      {5, time.Second, 1, verdict{state: busy}},
		"the longest wait is five minutes":               {99, 0, 0, verdict{closed, 5 * time.Minute}},
		"and it ends":                                    {99, 5 * time.Minute, 0, verdict{}},
		"almost an hour later failures still count":      {99, time.Hour - 1, 1, verdict{state: busy}},
		"an hour later they are forgotten":               {99, time.Hour, 4, verdict{}},
		"but attempts that are pending then still count": {99, time.Hour, 5, verdict{state: busy}},
		"a clock that was set back does not open":        {5, -time.Minute, 0, verdict{closed, 61 * time.Second}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := standard.judgeSource(tally{failures: tc.failures, last: noon.Add(-tc.ago)}, tc.pending, noon)
			if got != tc.want {
				t.Errorf("judgeSource() = %+v, want %+v", got, tc.want)
			}
		})
	}
	if got := standard.judgeSource(tally{}, 0, noon); got != (verdict{}) {
		t.Errorf("judgeSource() of the zero value = %+v, want open", got)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before tally
		want   tally
	}{
		"the first failure counts one":                       {tally{}, tally{1, noon}},
		"another failure counts one more":                    {tally{7, noon.Add(-time.Minute)}, tally{8, noon}},
		"a failure after an hour without counts from anew":   {tally{7, noon.Add(-time.Hour)}, tally{1, noon}},
		"a failure just before the hour is over starts anew": {tally{7, noon.Add(1 - time.Hour)}, tally{8, noon}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := standard.fail(tc.before, noon); got != tc.want {
				t.Errorf("fail() = %+v, want %+v", got, tc.want)
			}
		})
	}
}

// charged is a bucket out of which so many failures were taken at noon.
func charged(failures int) ceiling {
	var c ceiling
	for range failures {
		c = standard.charge(c, noon)
	}
	return c
}

func TestJudgeLogin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		failures int
		later    time.Duration
		pending  int
		want     verdict
	}{
		"a login without failures is open":              {0, 0, 0, verdict{}},
		"fifty attempts may be pending":                 {0, 0, 49, verdict{}},
		"not fifty-one":                                 {0, 0, 50, verdict{state: busy}},
		"failures and pending attempts count together":  {30, 0, 20, verdict{state: busy}},
		"and leave what is left":                        {30, 0, 19, verdict{}},
		"forty-nine failures leave one":                 {49, 0, 0, verdict{}},
		"fifty failures close for a minute":             {50, 0, 0, verdict{closed, time.Minute}},
		"of which less is left later":                   {50, 45 * time.Second, 0, verdict{closed, 15 * time.Second}},
		"then one more passes":                          {50, time.Minute, 0, verdict{}},
		"one at a time":                                 {50, time.Minute, 1, verdict{state: busy}},
		"after two minutes two pass":                    {50, 2 * time.Minute, 1, verdict{}},
		"after fifty minutes it is as if nothing was":   {50, 50 * time.Minute, 49, verdict{}},
		"and a pause saves up no more than fifty":       {50, 500 * time.Minute, 50, verdict{state: busy}},
		"more failures than fifty take longer to repay": {53, 0, 0, verdict{closed, 4 * time.Minute}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := standard.judgeLogin(charged(tc.failures), tc.pending, noon.Add(tc.later)); got != tc.want {
				t.Errorf("judgeLogin() = %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestTheCeilingLetsOneFailureAMinuteThrough(t *testing.T) {
	t.Parallel()
	passed, c := 0, ceiling{}
	for second := range 24 * 60 * 60 {
		now := noon.Add(time.Duration(second) * time.Second)
		if standard.judgeLogin(c, 0, now).state == open {
			passed++
			c = standard.charge(c, now)
		}
	}
	if want := 50 + 24*60 - 1; passed != want {
		t.Errorf("%d failures a day pass, want %d", passed, want)
	}
}

func TestTheBestPaceOfOneSource(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	best := 0
	for pause := range 40 { // failures after which to keep quiet until all is forgotten
		guesses, count := 0, tally{}
		for now := noon; now.Before(noon.Add(day)); now = now.Add(time.Second) {
			if pause > 0 && count.failures >= pause && standard.current(count, now) != 0 {
				continue
			}
			if standard.judgeSource(count, 0, now).state == open {
				count = standard.fail(count, now)
				guesses++
			}
		}
		best = max(best, guesses)
	}
	if best > 320 {
		t.Errorf("one source can make %d guesses a day, want at most 320", best)
	}
}

func TestIsFamiliar(t *testing.T) {
	t.Parallel()
	const week = 7 * 24 * time.Hour
	tests := map[string]struct {
		ago  time.Duration
		want bool
	}{
		"a success now counts":                    {0, true},
		"a success of almost a week ago counts":   {week - 1, true},
		"a success of a week ago does not":        {week, false},
		"the time before all time does not count": {noon.Sub(time.Time{}), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := standard.isFamiliar(noon.Add(-tc.ago), noon); got != tc.want {
				t.Errorf("isFamiliar() = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestWorse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ a, b, want verdict }{
		"open and open is open":          {verdict{}, verdict{}, verdict{}},
		"busy is worse than open":        {verdict{}, verdict{state: busy}, verdict{state: busy}},
		"closed is worse than busy":      {verdict{closed, 1}, verdict{state: busy}, verdict{closed, 1}},
		"the longer of two waits counts": {verdict{closed, 1}, verdict{closed, 2}, verdict{closed, 2}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := worse(tc.a, tc.b); got != tc.want {
				t.Errorf("worse(a, b) = %+v, want %+v", got, tc.want)
			}
			if got := worse(tc.b, tc.a); got != tc.want {
				t.Errorf("worse(b, a) = %+v, want %+v", got, tc.want)
			}
		})
	}
}
