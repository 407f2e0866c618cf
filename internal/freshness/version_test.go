package freshness

import "testing"

func TestWhatShowsAWrite(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version, written string
		want             bool
	}{
		"the version of the write":          {"17", "17", true},
		"a later one":                       {"18", "17", true},
		"a later one that is longer":        {"100", "99", true},
		"an earlier one":                    {"16", "17", false},
		"one that cannot be compared":       {"seventeen", "17", false},
		"none":                              {"", "17", false},
		"any, of a write without a version": {"17", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := HasReached(tc.version, tc.written); got != tc.want {
				t.Errorf("%t, want %t", got, tc.want)
			}
		})
	}
}
