package wazo

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type pair struct{ Name, Value string }

func pairsOf(raw string) []pair {
	var pairs []pair
	for q := (query{rest: raw}); q.next(); {
		pairs = append(pairs, pair{q.name, q.value})
	}
	return pairs
}

func TestQuery(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		raw  string
		want []pair
	}{
		"nothing":                            {"", nil},
		"one pair":                           {"scope=a.b.c", []pair{{"scope", "a.b.c"}}},
		"pairs keep their order":             {"scope=a&tenant=b", []pair{{"scope", "a"}, {"tenant", "b"}}},
		"a pair that comes twice":            {"scope=a&scope=b", []pair{{"scope", "a"}, {"scope", "b"}}},
		"a name without a value":             {"scope", []pair{{"scope", ""}}},
		"an empty value":                     {"scope=", []pair{{"scope", ""}}},
		"a value with an equals sign":        {"scope=a=b", []pair{{"scope", "a=b"}}},
		"empty pairs are skipped":            {"&&scope=a&", []pair{{"scope", "a"}}},
		"escapes in a value":                 {"scope=a%2Eb%23+c", []pair{{"scope", "a.b# c"}}},
		"escapes in a name":                  {"%73cope=a", []pair{{"scope", "a"}}},
		"an escape that is none is itself":   {"scope=%zz&scope=100%", []pair{{"scope", "%zz"}, {"scope", "100%"}}},
		"a semicolon does not separate":      {"scope=a;tenant=b", []pair{{"scope", "a;tenant=b"}}},
		"a name is told from another's case": {"Scope=a", []pair{{"Scope", "a"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, pairsOf(tc.raw)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzQuery compares with net/url wherever that takes the query.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "scope=a&scope=b", "sc%6Fpe=a+b", "%", "a;b=c", "=", "scope=%00%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got := map[string][]string{}
		for _, pair := range pairsOf(raw) {
			got[pair.Name] = append(got[pair.Name], pair.Value)
		}
		want, err := url.ParseQuery(raw)
		if err != nil {
			for name, values := range want {
				for _, value := range values {
					if !slices.Contains(got[name], value) {
						t.Errorf("%q: %s=%q is passed over", raw, name, value)
					}
				}
			}
			return
		}
		if diff := cmp.Diff(map[string][]string(want), got); diff != "" {
			t.Error(diff)
		}
	})
}
