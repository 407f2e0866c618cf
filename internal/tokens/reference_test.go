package tokens

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"
)

func TestNewIDTakesItsBitsFromTheReader(t *testing.T) {
	t.Parallel()
	token, err := NewID(zeroes{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "00000000-0000-4000-8000-000000000000"; token != want {
		t.Errorf("token %q, want %q", token, want)
	}
	broken := errors.New("no randomness")
	if _, err := NewID(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestIsReference(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token string
		want  bool
	}{
		"a fresh one":                  {uuid.NewString(), true},
		"a fixed one":                  {testReference, true},
		"a grant's derived one":        {testRing(t).ReferenceToken(testGrant, 1, testIssued, [32]byte{}), true},
		"a jti, which is version 8":    {testRing(t).TokenID(testGrant, 1, testIssued, [32]byte{}), false},
		"upper case":                   {strings.ToUpper(testReference), false},
		"the variant of others":        {strings.Replace(testReference, "-9e4f-", "-ce4f-", 1), false},
		"braces":                       {"{" + testReference + "}", false},
		"a URN":                        {"urn:uuid:" + testReference, false},
		"no dashes":                    {strings.ReplaceAll(testReference, "-", ""), false},
		"a dash in the wrong place":    {"0d0f8c1-e6a2b-4c3d-9e4f-5a6b7c8d9e0f", false},
		"a character outside":          {strings.Replace(testReference, "f", "g", 1), false},
		"a line break at the end":      {testReference + "\n", false},
		"nothing":                      {"", false},
		"36 dashes":                    {strings.Repeat("-", 36), false},
		"the right length, not a UUID": {strings.Repeat("a", 36), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := IsReference(tc.token); got != tc.want {
				t.Errorf("IsReference(%q): %v, want %v", tc.token, got, tc.want)
			}
		})
	}
}
