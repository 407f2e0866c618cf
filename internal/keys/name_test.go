package keys

import (
	"regexp"
	"testing"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestNamesAreFinal(t *testing.T) {
	t.Parallel()
	golden.Compare(t, "name-session", []byte(Name("session", "0d0f8c1e-6a2b-4c3d-9e4f-5a6b7c8d9e0f")))
	golden.Compare(t, "name-without-parts", []byte(Name("session")))
}

func TestNamesDifferWherePartsDo(t *testing.T) {
	t.Parallel()
	names := map[string][]string{}
	for _, parts := range [][]string{
		{"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"b", "a"}, {"a", "b", ""}, {""}, {},
		{"a\x00\x00\x00\x00\x00\x00\x00\x01b"},
	} {
		for _, purpose := range []string{"session", "sessiona"} {
			name := Name(purpose, parts...)
			if other, taken := names[name]; taken {
				t.Errorf("%q and %q of %q have the same name", parts, other, purpose)
			}
			names[name] = parts
			if !regexp.MustCompile(`^[0-9a-v]{52}$`).MatchString(name) {
				t.Errorf("%q is not 52 characters of base32hex", name)
			}
		}
	}
}
