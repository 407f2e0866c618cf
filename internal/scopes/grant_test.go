package scopes_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

func TestConcrete(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scope string
		want  string // part of the error; empty: none
	}{
		"a word":                        {"PRODUCTION", ""},
		"segments and a colon":          {"orders:read.all", ""},
		"a URL":                         {"https://example.com/scopes/read?x=y&z", ""},
		"the last allowed character":    {"~", ""},
		"the greatest length":           {strings.Repeat("a", scopes.MaxLength), ""},
		"nothing":                       {"", "empty"},
		"beyond the greatest length":    {strings.Repeat("a", scopes.MaxLength+1), "1025 bytes"},
		"a *":                           {"orders:*", `"orders:*"`},
		"a #":                           {"orders.#", `"orders.#"`},
		"a leading !":                   {"!orders", `"!orders"`},
		"a ! elsewhere":                 {"orders!", `"orders!"`},
		"a space":                       {"a b", "RFC 6749"},
		"a quotation mark":              {`a"b`, "RFC 6749"},
		"a backslash":                   {`a\b`, "RFC 6749"},
		"a control character":           {"a\tb", "RFC 6749"},
		"the character behind the last": {"a\x7f", "RFC 6749"},
		"a character outside of ASCII":  {"café", "RFC 6749"},
		"a byte that is no character":   {"a\xff", "RFC 6749"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := scopes.Concrete(tc.scope)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Concrete(%q): %v, want an error with %q", tc.scope, err, tc.want)
			}
		})
	}
}

// granting is a request, the lists it meets and what becomes of it.
type granting struct {
	requested   []string
	client      []string
	others      [][]string
	wantGranted []string
	wantRefused []string
}

func runGranting(t *testing.T, tests map[string]granting) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			others := make([]scopes.Patterns, 0, len(tc.others))
			for _, list := range tc.others {
				others = append(others, compile(t, list...))
			}
			granted, refused := scopes.Grant(tc.requested, compile(t, tc.client...), others...)
			if diff := cmp.Diff(tc.wantGranted, granted); diff != "" {
				t.Errorf("granted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantRefused, refused); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrant(t *testing.T) {
	t.Parallel()
	runGranting(t, map[string]granting{
		"nothing requested is nothing granted": {
			nil, []string{"#"}, nil, nil, nil,
		},
		"what every list allows is granted": {
			[]string{"orders:read"}, []string{"orders:*"}, [][]string{{"#"}, {"orders:read"}},
			[]string{"orders:read"}, nil,
		},
		"what the client does not have is refused": {
			[]string{"orders:read", "users:read"}, []string{"orders:*"}, [][]string{{"#"}},
			[]string{"orders:read"}, []string{"users:read"},
		},
		"what the user does not have is refused": {
			[]string{"orders:read", "orders:write"}, []string{"orders:*"}, [][]string{{"#"}, {"orders:read"}},
			[]string{"orders:read"}, []string{"orders:write"},
		},
		"a denial in any list refuses": {
			[]string{"a", "b", "c"}, []string{"#", "!a"}, [][]string{{"#", "!b"}, {"#", "!c"}},
			nil, []string{"a", "b", "c"},
		},
		"a list that is empty refuses everything": {
			[]string{"a"}, []string{"#"}, [][]string{{}},
			nil, []string{"a"},
		},
		"a client without scopes gets none": {
			[]string{"a"}, nil, [][]string{{"#"}},
			nil, []string{"a"},
		},
		"the order asked for is kept and repetitions are dropped": {
			[]string{"c", "x", "a", "c", "b", "x", "a"}, []string{"a", "b", "c"}, nil,
			[]string{"c", "a", "b"}, []string{"x"},
		},
		"a scope that looks like a pattern is never granted": {
			[]string{"orders:*", "#", "!a", ""}, []string{"#", "*"}, nil,
			nil, []string{"orders:*", "#", "!a", ""},
		},
	})
}

func TestGrantOfOwnScopes(t *testing.T) {
	t.Parallel()
	runGranting(t, map[string]granting{
		"auth scopes are refused to a client with a pattern": {
			[]string{"auth.users.create", "auth."}, []string{"#", "auth.*", "auth.users.*"}, [][]string{{"#"}},
			nil, []string{"auth.users.create", "auth."},
		},
		"auth scopes are granted to a client that lists them": {
			[]string{"auth.users.create"}, []string{"auth.users.create"}, [][]string{{"auth.#"}},
			[]string{"auth.users.create"}, nil,
		},
		"a user's list need not hold auth scopes literally, but it must allow them": {
			[]string{"auth.users.create"}, []string{"auth.users.create"}, [][]string{{"confd.#"}},
			nil, []string{"auth.users.create"},
		},
		"an auth scope listed and denied is refused": {
			[]string{"auth.users.create"}, []string{"auth.users.create", "!auth.#"}, nil,
			nil, []string{"auth.users.create"},
		},
		"scopes that only resemble auth scopes follow the ordinary rule": {
			[]string{"auth", "authority.read", "Auth.users"}, []string{"#"}, nil,
			[]string{"auth", "authority.read", "Auth.users"}, nil,
		},
	})
}
