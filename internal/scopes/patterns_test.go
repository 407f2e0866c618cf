package scopes_test

import (
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

func compile(tb testing.TB, patterns ...string) scopes.Patterns {
	tb.Helper()
	list, err := scopes.Compile(patterns)
	if err != nil {
		tb.Fatalf("Compile(%q): %v", patterns, err)
	}
	return list
}

// matching is a case that holds for both questions: nothing in it depends on
// who asks.
type matching struct {
	patterns []string
	text     string
	want     bool
}

func runMatching(t *testing.T, tests map[string]matching) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := compile(t, tc.patterns...)
			if got := list.Allows(tc.text); got != tc.want {
				t.Errorf("Allows(%q) of %q = %v, want %v", tc.text, tc.patterns, got, tc.want)
			}
			if got := list.Permits(scopes.Identity{}, tc.text); got != tc.want {
				t.Errorf("Permits(nobody, %q) of %q = %v, want %v", tc.text, tc.patterns, got, tc.want)
			}
		})
	}
}

func TestPlainTextIsAnchoredAndItself(t *testing.T) {
	t.Parallel()
	runMatching(t, map[string]matching{
		"no pattern allows nothing":                        {nil, "foo", false},
		"a literal matches itself":                         {[]string{"orders:read"}, "orders:read", true},
		"a literal is anchored at its beginning":           {[]string{"read"}, "orders.read", false},
		"a literal is anchored at its end":                 {[]string{"orders"}, "orders.read", false},
		"a literal is no prefix of what it matches":        {[]string{"orders.read"}, "orders", false},
		"a newline at the end is not overlooked":           {[]string{"orders"}, "orders\n", false},
		"case counts":                                      {[]string{"Orders.Read"}, "orders.read", false},
		"a dot is a dot":                                   {[]string{"a.b"}, "axb", false},
		"other characters of expressions are themselves":   {[]string{"a+(b)[c]^$|?"}, "a+(b)[c]^$|?", true},
		"one of several patterns is enough":                {[]string{"a", "b"}, "b", true},
		"characters outside ASCII are themselves":          {[]string{"café.*"}, "café.crème", true},
		"the empty text needs a pattern that can be empty": {[]string{"a"}, "", false},
		"the empty text is a run":                          {[]string{"*"}, "", true},
		"a text of the greatest length is read to its end": {[]string{"*"}, strings.Repeat("a", scopes.MaxLength), true},
	})
}

// A required access holds names that others chose, so it may be longer than whatever is granted.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	list := compile(t, "#", "*")
	for length, want := range map[int]struct{ allowed, permitted bool }{
		scopes.MaxLength:       {true, true},
		scopes.MaxLength + 1:   {false, true},
		scopes.MaxRequired:     {false, true},
		scopes.MaxRequired + 1: {},
	} {
		text := strings.Repeat("a", length)
		if got := list.Allows(text); got != want.allowed {
			t.Errorf("Allows of %d bytes is %t", length, got)
		}
		if got := list.Permits(scopes.Identity{}, text); got != want.permitted {
			t.Errorf("Permits of %d bytes is %t", length, got)
		}
	}
}

func TestStar(t *testing.T) {
	t.Parallel()
	runMatching(t, map[string]matching{
		"* matches a segment":                              {[]string{"confd.users.*.read"}, "confd.users.42.read", true},
		"* matches no character":                           {[]string{"confd.users.*"}, "confd.users.", true},
		"* does not need to be a whole segment, at an end": {[]string{"foo*"}, "foobar", true},
		"* does not need to be a whole segment, inside":    {[]string{"a.x*z.b"}, "a.xyyz.b", true},
		"* may match nothing inside":                       {[]string{"x*z"}, "xz", true},
		"* does not match a dot":                           {[]string{"foo*"}, "foo.bar", false},
		"* does not match two segments":                    {[]string{"confd.*.read"}, "confd.users.42.read", false},
		"* does not match a #":                             {[]string{"foo.*"}, "foo.#", false},
		"* matches a *":                                    {[]string{"foo.*"}, "foo.*", true},
		"* stops before a # and goes on behind it":         {[]string{"a*#*b"}, "ax#yb", true},
		"* alone matches one segment":                      {[]string{"*"}, "foo", true},
		"* alone does not match two":                       {[]string{"*"}, "foo.bar", false},
		"* tries a later place where the first one fails":  {[]string{"*ab"}, "aab", true},
		"two * share what they match":                      {[]string{"*a*a"}, "aaa", true},
		"as many * as there may be":                        {[]string{strings.Repeat("*a", scopes.MaxWildcards)}, "xaaaaaaxaxa", true},
	})
}

func TestHash(t *testing.T) {
	t.Parallel()
	runMatching(t, map[string]matching{
		"# matches anything":                         {[]string{"confd.#"}, "confd.users.42.read", true},
		"# matches no character":                     {[]string{"foo.#"}, "foo.", true},
		"# does not make the dot before it optional": {[]string{"foo.#"}, "foo", false},
		"# does not need to be a whole segment":      {[]string{"foo#"}, "foo.bar", true},
		"# in the middle matches many segments":      {[]string{"a.#.z"}, "a.b.c.z", true},
		"# in the middle keeps both dots":            {[]string{"a.#.z"}, "a.z", false},
		"# matches a newline":                        {[]string{"#"}, "a\nb", true},
		"# alone matches everything":                 {[]string{"#"}, "auth.users.create", true},
		"# and * together find the one way":          {[]string{"#.b*.d"}, "a.bx.c.by.d", true},
		"# and * together do not invent one":         {[]string{"#.b*.d"}, "a.bx.c.y.d", false},
	})
}

func TestDenials(t *testing.T) {
	t.Parallel()
	runMatching(t, map[string]matching{
		"a denial wins":                            {[]string{"confd.#", "!confd.users.*.delete"}, "confd.users.42.delete", false},
		"a denial wins wherever it stands":         {[]string{"!confd.users.*.delete", "confd.#"}, "confd.users.42.delete", false},
		"a denial wins over the same literal":      {[]string{"a.b", "!a.b"}, "a.b", false},
		"a denial of everything leaves nothing":    {[]string{"#", "!#"}, "a", false},
		"a denial takes away only what it matches": {[]string{"confd.#", "!confd.users.*.delete"}, "confd.users.42.read", true},
		"a denial alone allows nothing":            {[]string{"!confd.#"}, "calld.read", false},
		"a ! that does not lead is itself":         {[]string{"a!b"}, "a!b", true},
		"the second ! is part of what is denied":   {[]string{"#", "!!a"}, "!a", false},
	})
}

func TestReservedWordsMatchThemselves(t *testing.T) {
	t.Parallel()
	runMatching(t, map[string]matching{
		"me matches itself":         {[]string{"users.me.read"}, "users.me.read", true},
		"my_session matches itself": {[]string{"sessions.my_session"}, "sessions.my_session", true},
		"edit matches itself":       {[]string{"users.edit"}, "users.edit", true},
	})
}

const (
	user    = "3f1c0d52-6a52-4f55-9c7b-0d7f9b3f8a11"
	session = "b7f0a1c4-91e9-4e0a-8c55-5b1e2f3d4c66"
)

func TestReservedSegments(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		patterns []string
		required string
		want     bool
	}{
		"me matches the user of the token":          {[]string{"auth.users.me.read"}, "auth.users." + user + ".read", true},
		"me still matches itself":                   {[]string{"auth.users.me.read"}, "auth.users.me.read", true},
		"me does not match another user":            {[]string{"auth.users.me.read"}, "auth.users." + session + ".read", false},
		"me does not match a longer segment":        {[]string{"auth.users.me.read"}, "auth.users." + user + "0.read", false},
		"me does not match an empty segment":        {[]string{"auth.users.me.read"}, "auth.users..read", false},
		"me at the beginning is a segment":          {[]string{"me.read"}, user + ".read", true},
		"me at the end is a segment":                {[]string{"read.me"}, "read." + user, true},
		"me alone is a segment":                     {[]string{"me"}, user, true},
		"me twice may differ":                       {[]string{"me.me"}, "me." + user, true},
		"me beside a wildcard segment is a segment": {[]string{"#.me.*"}, "a.b." + user + ".c", true},
		"me in a longer segment is only text":       {[]string{"auth.name"}, "auth.na" + user, false},
		"me beside a * is only text":                {[]string{"auth.me*"}, "auth." + user, false},
		"me behind a # is only text":                {[]string{"auth.#me"}, "auth." + user, false},
		"me is not Me":                              {[]string{"auth.Me"}, "auth." + user, false},
		"the user's own pattern does not become me": {[]string{"auth.users." + user}, "auth.users.me", false},
		"my_session matches the session":            {[]string{"auth.sessions.my_session.delete"}, "auth.sessions." + session + ".delete", true},
		"my_session does not match the user":        {[]string{"auth.sessions.my_session.delete"}, "auth.sessions." + user + ".delete", false},
		"me does not match the session":             {[]string{"auth.sessions.me"}, "auth.sessions." + session, false},
		"edit matches update":                       {[]string{"confd.users.edit"}, "confd.users.update", true},
		"edit matches update in the middle":         {[]string{"confd.edit.users"}, "confd.update.users", true},
		"update does not match edit":                {[]string{"confd.users.update"}, "confd.users.edit", false},
		"edit in a longer segment is only text":     {[]string{"confd.credit"}, "confd.crupdate", false},
		"a denial of me denies the user":            {[]string{"#", "!auth.users.me.#"}, "auth.users." + user + ".read", false},
		"a denial of edit denies update":            {[]string{"#", "!confd.edit"}, "confd.update", false},
		"a denial of my_session leaves other sessions": {
			[]string{"#", "!auth.sessions.my_session"}, "auth.sessions." + user, true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := scopes.Identity{User: user, Session: session}
			if got := compile(t, tc.patterns...).Permits(id, tc.required); got != tc.want {
				t.Errorf("Permits(%q) of %q = %v, want %v", tc.required, tc.patterns, got, tc.want)
			}
		})
	}
}

func TestAnEmptyIdentityAddsNothing(t *testing.T) {
	t.Parallel()
	list := compile(t, "a.me.b", "a.my_session.b")
	if list.Permits(scopes.Identity{}, "a..b") {
		t.Error("a token without user and session has access to an empty segment")
	}
}

func TestAllowsKnowsNoReservedSegments(t *testing.T) {
	t.Parallel()
	list := compile(t, "users.me", "sessions.my_session", "orders.edit")
	for _, scope := range []string{"users." + user, "sessions." + session, "orders.update"} {
		if list.Allows(scope) {
			t.Errorf("Allows(%q) = true, want false", scope)
		}
	}
}

func TestCompiledPatternsAreASnapshot(t *testing.T) {
	t.Parallel()
	written := []string{"orders.read", "!orders.delete"}
	list := compile(t, written...)
	written[0], written[1] = "#", "nothing"
	if list.Allows("users.create") || !list.Allows("orders.read") {
		t.Error("compiled patterns changed with the slice they were made from")
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern string
		want    string
	}{
		"an empty pattern":                     {"", "empty"},
		"a denial of nothing":                  {"!", "empty"},
		"a pattern beyond the greatest length": {strings.Repeat("a", scopes.MaxLength+1), "1025 bytes"},
		"a pattern with too many wildcards":    {strings.Repeat("a*", 4) + strings.Repeat("#", 5), "9 wildcards"},
		"a denial with too many wildcards":     {"!" + strings.Repeat("*", 9), "9 wildcards"},
		"a newline":                            {"a\nb", `"a\nb"`},
		"bytes that are not UTF-8":             {"a\xff", `"a\xff"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := scopes.Compile([]string{"#", tc.pattern})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Compile(%q): %v, want an error with %q", tc.pattern, err, tc.want)
			}
			if list.Allows("a") {
				t.Error("what comes with an error allows something")
			}
		})
	}
}

func TestHasLiteral(t *testing.T) {
	t.Parallel()
	list := compile(t, "auth.users.read", "auth.*", "!auth.users.delete", "auth.sessions.me")
	tests := map[string]struct {
		scope string
		want  bool
	}{
		"a scope in the list":                    {"auth.users.read", true},
		"a scope only a pattern covers":          {"auth.status", false},
		"a pattern is not a literal of itself":   {"auth.*", false},
		"a denial is not a literal":              {"auth.users.delete", false},
		"the mark of a denial does not help":     {"!auth.users.delete", false},
		"a reserved word is a literal of itself": {"auth.sessions.me", true},
		"a prefix of a literal":                  {"auth.users", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := list.HasLiteral(tc.scope); got != tc.want {
				t.Errorf("HasLiteral(%q) = %v, want %v", tc.scope, got, tc.want)
			}
		})
	}
}

func TestMatchingDoesNotAllocate(t *testing.T) { //nolint:paralleltest // it counts allocations of the whole process
	list := compile(t, "confd.users.me.*.read", "calld.#.edit", "a*b*c*#", "#.d", "!confd.users.me.edit")
	id := scopes.Identity{User: user, Session: session}
	for _, text := range []string{"confd.users." + user + ".lines.read", "axbyc.z.d", "nothing.of.it"} {
		allocs := testing.AllocsPerRun(100, func() {
			list.Allows(text)
			list.Permits(id, text)
			list.HasLiteral(text)
		})
		if allocs != 0 {
			t.Errorf("matching %q allocates %v times, want 0", text, allocs)
		}
	}
}

func BenchmarkPermits(b *testing.B) {
	id := scopes.Identity{User: user, Session: session}
	benchmarks := map[string]struct {
		patterns []string
		required string
	}{
		"a user's acl": {
			[]string{"confd.infos.read", "calld.#", "confd.users.me.#", "auth.users.me.tokens.*.delete", "!confd.users.*.delete"},
			"auth.users." + user + ".tokens.mobile.delete",
		},
		"the worst pattern there is": {
			[]string{"#" + strings.Repeat(strings.Repeat("a", 100)+"*", scopes.MaxWildcards-1) + "b"},
			strings.Repeat("a", scopes.MaxRequired),
		},
	}
	for name, bc := range benchmarks {
		list := compile(b, bc.patterns...)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				list.Permits(id, bc.required)
			}
		})
	}
}
