package oauth

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// pairsOf reads a whole form; false where it is malformed.
func pairsOf(body string) ([][2]string, bool) {
	var pairs [][2]string
	f := form{rest: []byte(body)}
	for f.next() {
		pairs = append(pairs, [2]string{string(f.name), string(f.value)})
	}
	return pairs, !f.malformed
}

func TestForm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want [][2]string
	}{
		"nothing holds no pairs":                   {"", nil},
		"ampersands alone hold no pairs":           {"&&&", nil},
		"pairs keep their order and repetitions":   {"a=1&b=2&a=3", [][2]string{{"a", "1"}, {"b", "2"}, {"a", "3"}}},
		"a name may stand without a value":         {"a&b=", [][2]string{{"a", ""}, {"b", ""}}},
		"a value may stand without a name":         {"=1", [][2]string{{"", "1"}}},
		"only the first equals sign separates":     {"a=b=c", [][2]string{{"a", "b=c"}}},
		"a plus is a space":                        {"a+b=c+d", [][2]string{{"a b", "c d"}}},
		"an escaped plus is a plus":                {"a=b%2Bc", [][2]string{{"a", "b+c"}}},
		"escapes are read in both cases":           {"a=%c3%A9", [][2]string{{"a", "é"}}},
		"an escaped ampersand does not separate":   {"a=1%262", [][2]string{{"a", "1&2"}}},
		"an escaped equals sign does not separate": {"a%3Db=c", [][2]string{{"a=b", "c"}}},
		"a semicolon does not separate":            {"a=1;b=2", [][2]string{{"a", "1;b=2"}}},
		"an escaped name is the name":              {"grant%5Ftype=password", [][2]string{{"grant_type", "password"}}},
		"white space is text":                      {" a =\tb\r\n", [][2]string{{" a ", "\tb\r\n"}}},
		"a NUL is text":                            {"a=%00", [][2]string{{"a", "\x00"}}},
		"an escape is not escaped twice":           {"a=%2541", [][2]string{{"a", "%41"}}},
		"an escape may be the end":                 {"a=%41", [][2]string{{"a", "A"}}},
		"text beyond ASCII may stand unescaped":    {"a=é", [][2]string{{"a", "é"}}},
		"the pair after an empty one counts":       {"&a=1", [][2]string{{"a", "1"}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := pairsOf(tc.body)
			if !ok {
				t.Fatal("malformed")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedForms(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"a lone percent sign":             "a=%",
		"an escape of one digit":          "a=%4",
		"an escape of no digits":          "a=%zz",
		"an escape with one wrong digit":  "a=%4g",
		"an escape with a sign":           "a=%+1",
		"a name with a bad escape":        "a%=b",
		"half a character, escaped":       "a=%c3",
		"half a character":                "a=\xc3",
		"a surrogate":                     "a=%ed%a0%80",
		"a NUL in an overlong form":       "a=%c0%80",
		"a bad pair after a good one":     "a=1&b=%",
		"a bad pair without a known name": "unknown=%&grant_type=password",
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if pairs, ok := pairsOf(body); ok {
				t.Errorf("read as %q", pairs)
			}
		})
	}
}

// FuzzForm holds the parser to net/url, which knows the same format: they differ only in the
// semicolon, which net/url refuses, and in text that is not UTF-8, which we do.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a=%41+b&a", "%=&;", "a=%c3%a9", "=&=&a=b=c", "a=%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, ";") {
			pairsOf(body) // must not panic
			return
		}
		want, err := url.ParseQuery(body)
		for name, values := range want {
			for _, value := range append(values, name) {
				if !utf8.ValidString(value) {
					err = errNoClient // any error: it is malformed here
				}
			}
		}
		pairs, ok := pairsOf(body)
		if ok != (err == nil) {
			t.Fatalf("well-formed: %t, net/url says %v", ok, err)
		}
		if !ok {
			return
		}
		got := url.Values{}
		for _, pair := range pairs {
			got.Add(pair[0], pair[1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-net/url +got):\n%s", diff)
		}
	})
}
