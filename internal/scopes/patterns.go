package scopes

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest pattern, and the longest scope, in bytes. A longer
// pattern is an error of Compile; a longer scope is never allowed.
const MaxLength = 1024

// MaxRequired is the longest required access in bytes; a longer one is never
// permitted. It may hold a name of as many characters as a pattern has bytes.
const MaxRequired = 5 * MaxLength

// MaxWildcards is how many * and # a pattern may hold. Each multiplies the ways
// to match that have to be followed, and nobody needs more.
const MaxWildcards = 8

// Patterns is a compiled list of patterns, allowances and denials. It never
// changes once it is made, so it is safe for concurrent use, and a copy costs
// two slice headers. The zero value allows nothing.
type Patterns struct {
	allow, deny []pattern
}

// Compile reads patterns in any order. It keeps nothing of the slice it is
// given. The error names the first pattern that cannot be one: an empty one,
// one longer than MaxLength or with more than MaxWildcards, one that is not
// UTF-8 or has a control character.
func Compile(patterns []string) (Patterns, error) {
	var list Patterns
	for _, written := range patterns {
		text, denies := strings.CutPrefix(written, "!")
		if err := check(text); err != nil {
			return Patterns{}, err
		}
		if denies {
			list.deny = append(list.deny, compile(text))
		} else {
			list.allow = append(list.allow, compile(text))
		}
	}
	return list, nil
}

func check(text string) error {
	switch {
	case text == "":
		return errors.New("a scope pattern is empty")
	case len(text) > MaxLength:
		return fmt.Errorf("a scope pattern is %d bytes long, at most %d are allowed", len(text), MaxLength)
	case !utf8.ValidString(text), strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("scope pattern %q is not printable UTF-8", text)
	}
	if wildcards := strings.Count(text, "*") + strings.Count(text, "#"); wildcards > MaxWildcards {
		return fmt.Errorf("scope pattern %q holds %d wildcards, at most %d are allowed", text, wildcards, MaxWildcards)
	}
	return nil
}

// Allows reports whether a scope may be granted: a pattern allows it and none
// denies it. me, my_session and edit stand for themselves only, because an
// OAuth scope belongs to no session. It does not allocate.
func (p Patterns) Allows(scope string) bool {
	return len(scope) <= MaxLength && p.grants(scope, &words{})
}

// Identity is who asks, for the words of a pattern that depend on it: the
// UUIDs of a token's user and of its session. An empty one matches nothing.
type Identity struct{ User, Session string }

// Permits reports whether a token of this identity carries the required
// access: a pattern allows it and none denies it, with me, my_session and edit
// standing for the user, the session and update besides themselves, in
// allowances and denials alike. It does not allocate.
func (p Patterns) Permits(id Identity, required string) bool {
	return len(required) <= MaxRequired && p.grants(required, &words{me: id.User, mySession: id.Session, edit: "update"})
}

// HasLiteral reports whether the scope itself stands in the list: as an
// allowance without a wildcard. It does not look at denials.
func (p Patterns) HasLiteral(scope string) bool {
	for i := range p.allow {
		if !p.allow[i].wild && p.allow[i].text == scope {
			return true
		}
	}
	return false
}

func (p Patterns) grants(text string, also *words) bool {
	return anyMatches(p.allow, text, also) && !anyMatches(p.deny, text, also)
}

func anyMatches(list []pattern, text string, also *words) bool {
	for i := range list {
		if list[i].matches(text, also) {
			return true
		}
	}
	return false
}
