package v1alpha1_test

import (
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

func TestDurationParse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		duration v1alpha1.Duration
		want     time.Duration
		wantErr  bool
	}{
		"one unit":                             {duration: "90s", want: 90 * time.Second},
		"two units":                            {duration: "1h30m", want: 90 * time.Minute},
		"a unit may repeat":                    {duration: "1s1s", want: 2 * time.Second},
		"the longest that can be written":      {duration: "99999h99999h99999h99999h", want: 399996 * time.Hour},
		"nothing is not a duration":            {duration: "", wantErr: true},
		"a number alone has no unit":           {duration: "90", wantErr: true},
		"a unit alone has no number":           {duration: "h", wantErr: true},
		"days are not in GEP-2257":             {duration: "1d", wantErr: true},
		"fractions are not in GEP-2257":        {duration: "1.5h", wantErr: true},
		"signs are not in GEP-2257":            {duration: "-1h", wantErr: true},
		"milliseconds are not whole seconds":   {duration: "1000ms", wantErr: true},
		"five groups are one too many":         {duration: "1h1h1h1h1h", wantErr: true},
		"six digits are one too many":          {duration: "100000s", wantErr: true},
		"zero is not a lifetime":               {duration: "0h0m0s", wantErr: true},
		"a line break at the end is no ending": {duration: "1h\n", wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.duration.Parse()
			if (err != nil) != tc.wantErr {
				t.Fatalf("got error %v, want one: %t", err, tc.wantErr)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
