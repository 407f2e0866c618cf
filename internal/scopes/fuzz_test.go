package scopes_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

// oracle answers both questions the slow way: each pattern becomes a regular
// expression, segment by segment. It shares no code with the package.
type oracle struct{ allow, deny []*regexp.Regexp }

func newOracle(patterns []string, reserved map[string]string) oracle {
	var o oracle
	for _, pattern := range patterns {
		text, denies := strings.CutPrefix(pattern, "!")
		segments := strings.Split(text, ".")
		for i, segment := range segments {
			expression := strings.NewReplacer(`\*`, `[^.#]*`, `#`, `(?s:.*)`).Replace(regexp.QuoteMeta(segment))
			if other := reserved[segment]; other != "" {
				expression = "(?:" + expression + "|" + regexp.QuoteMeta(other) + ")"
			}
			segments[i] = expression
		}
		compiled := regexp.MustCompile(`\A` + strings.Join(segments, `\.`) + `\z`)
		if denies {
			o.deny = append(o.deny, compiled)
		} else {
			o.allow = append(o.allow, compiled)
		}
	}
	return o
}

func (o oracle) grants(text string) bool {
	matches := func(list []*regexp.Regexp) bool {
		for _, expression := range list {
			if expression.MatchString(text) {
				return true
			}
		}
		return false
	}
	return matches(o.allow) && !matches(o.deny)
}

func FuzzMatching(f *testing.F) {
	for _, seed := range [][4]string{
		{"confd.#\n!confd.users.*.delete", "confd.users.42.delete", user, session},
		{"auth.users.me.tokens.*.delete", "auth.users." + user + ".tokens.app.delete", user, session},
		{"auth.sessions.my_session.edit", "auth.sessions." + session + ".update", user, session},
		{"#.b*.d\n*a*a\n#a*#a*", "a.bx.c.by.d", "u", "s"},
		{"a*#*b\n##\n**\n!!", "ax#yb", "me", "edit"},
		{"me.me.edit\n#.edit.edit", "u.me.update.edit", "u", "me.u"},
		{"é*.me\n\u2028#", "éa.ü", "ü", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, lines, text, user, session string) {
		patterns := strings.Split(lines, "\n")
		list, err := scopes.Compile(patterns)
		if err != nil || !utf8.ValidString(user) || !utf8.ValidString(session) {
			return
		}
		allows := newOracle(patterns, nil).grants(text) && len(text) <= scopes.MaxLength
		if got := list.Allows(text); got != allows {
			t.Errorf("Allows(%q) of %q = %v, want %v", text, patterns, got, allows)
		}
		reserved := map[string]string{"me": user, "my_session": session, "edit": "update"}
		permits := newOracle(patterns, reserved).grants(text) && len(text) <= scopes.MaxRequired
		if got := list.Permits(scopes.Identity{User: user, Session: session}, text); got != permits {
			t.Errorf("Permits(%q) of %q for %q, %q = %v, want %v", text, patterns, user, session, got, permits)
		}
	})
}

// FuzzSmallAlphabet makes from a few bytes the texts in which wildcards,
// segments and reserved words meet, which random text hardly ever does.
func FuzzSmallAlphabet(f *testing.F) {
	words := []string{"a", "b", ".", ".", "*", "#", "me", "edit", "update", "my_session", "!", "u", "s"}
	spell := func(letters []byte) string {
		var text strings.Builder
		for _, letter := range letters {
			text.WriteString(words[int(letter)%len(words)])
		}
		return text.String()
	}
	f.Add([]byte{5, 0, 4, 0, 4, 1}, []byte{10, 0, 2, 4}, []byte{0, 0, 0, 1})
	f.Add([]byte{6, 2, 7}, []byte{10, 4}, []byte{11, 2, 8})
	f.Fuzz(func(t *testing.T, first, second, required []byte) {
		patterns := []string{spell(first), spell(second)}
		text := spell(required)
		list, err := scopes.Compile(patterns)
		if err != nil || len(text) > scopes.MaxRequired {
			return
		}
		reserved := map[string]string{"me": "u", "my_session": "s", "edit": "update"}
		want := newOracle(patterns, reserved).grants(text)
		if got := list.Permits(scopes.Identity{User: "u", Session: "s"}, text); got != want {
			t.Errorf("Permits(%q) of %q = %v, want %v", text, patterns, got, want)
		}
	})
}

// FuzzConcrete holds what a grant relies on: a scope that may be requested can
// stand in a space-separated list and is a pattern that matches itself alone.
func FuzzConcrete(f *testing.F) {
	for _, seed := range []string{"orders:read", "a b", "#", "", "é", "a\\b", `a"b`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, scope string) {
		if scopes.Concrete(scope) != nil {
			return
		}
		if fields := strings.Fields(scope); len(fields) != 1 || fields[0] != scope {
			t.Errorf("Concrete(%q) passed, but it is not one word", scope)
		}
		list, err := scopes.Compile([]string{scope})
		if err != nil || !list.Allows(scope) || !list.HasLiteral(scope) || list.Allows(scope+"x") {
			t.Errorf("Concrete(%q) passed, but as a pattern it does not match itself alone (%v)", scope, err)
		}
	})
}
