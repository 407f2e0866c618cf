package scopes

import (
	"math/bits"
	"strings"
)

// kind says what one part of a pattern stands for.
type kind uint8

const (
	literal   kind = iota // its own text
	star                  // any run without '.' and '#'
	hash                  // any run
	me                    // the segment me, or the token's user
	mySession             // the segment my_session, or the token's session
	edit                  // the segment edit, or update
)

// reserved are the words that mean more when they are a whole segment.
var reserved = map[string]kind{"me": me, "my_session": mySession, "edit": edit}

// words holds what the reserved segments stand for besides themselves; empty
// is nothing more. An empty user must never make "me" match an empty segment.
type words struct{ me, mySession, edit string }

func (w *words) also(k kind) string {
	switch k {
	case me:
		return w.me
	case mySession:
		return w.mySession
	case edit:
		return w.edit
	default:
		return ""
	}
}

// part is one piece of a compiled pattern. text is empty for wildcards.
type part struct {
	kind kind
	text string
}

// pattern is one compiled pattern, without the leading '!'.
type pattern struct {
	text   string // as written
	wild   bool   // holds a wildcard
	prefix string // the literal it begins with: most mismatches end here
	rest   []part
}

// compile cannot fail: every text is a pattern.
func compile(text string) pattern {
	p := pattern{text: text, wild: strings.ContainsAny(text, "*#")}
	var parts []part
	for i, segment := range strings.Split(text, ".") {
		if i > 0 {
			parts = appendLiteral(parts, ".")
		}
		if k, ok := reserved[segment]; ok {
			parts = append(parts, part{kind: k, text: segment})
			continue
		}
		parts = appendSegment(parts, segment)
	}
	if len(parts) > 0 && parts[0].kind == literal {
		p.prefix, parts = parts[0].text, parts[1:]
	}
	p.rest = parts
	return p
}

// appendSegment splits a segment at its wildcards.
func appendSegment(parts []part, segment string) []part {
	for segment != "" {
		switch cut := strings.IndexAny(segment, "*#"); {
		case cut < 0:
			return appendLiteral(parts, segment)
		case cut > 0:
			parts, segment = appendLiteral(parts, segment[:cut]), segment[cut:]
		case segment[0] == '*':
			parts, segment = append(parts, part{kind: star}), segment[1:]
		default:
			parts, segment = append(parts, part{kind: hash}), segment[1:]
		}
	}
	return parts
}

// appendLiteral keeps neighbouring literals in one part.
func appendLiteral(parts []part, text string) []part {
	if last := len(parts) - 1; last >= 0 && parts[last].kind == literal {
		parts[last].text += text
		return parts
	}
	return append(parts, part{kind: literal, text: text})
}

// matches reports whether the whole text, at most MaxRequired bytes long, is one
// that the pattern stands for. It follows all ways to match at once, as the
// set of positions in text that the parts so far can have reached, so there is
// no backtracking and nothing to allocate.
func (p *pattern) matches(text string, also *words) bool {
	if !strings.HasPrefix(text, p.prefix) {
		return false
	}
	if len(p.rest) == 0 {
		return len(text) == len(p.prefix)
	}
	var reached positions
	reached.add(len(p.prefix))
	for _, next := range p.rest {
		if !reached.advance(next, text, also) {
			return false
		}
	}
	return reached.has(len(text))
}

// positions is a set of offsets into a text, the one past its end included.
type positions [MaxRequired/64 + 1]uint64

func (s *positions) add(at int)      { s[at/64] |= 1 << (at % 64) }
func (s *positions) has(at int) bool { return s[at/64]&(1<<(at%64)) != 0 }

// advance replaces the set by the positions that one more part leads to, and
// reports whether there are any.
func (s *positions) advance(next part, text string, also *words) bool {
	var reached positions
	found := false
	for word := range len(text)/64 + 1 {
		for rest := s[word]; rest != 0; rest &= rest - 1 {
			at := word*64 + bits.TrailingZeros64(rest)
			switch next.kind {
			case hash:
				reached.addThrough(at, len(text))
				*s = reached
				return true // the leftmost position leads wherever the others do
			case star:
				reached.addRun(at, text)
				found = true
			default:
				found = reached.addText(at, text, next.text) || found
				if other := also.also(next.kind); other != "" {
					found = reached.addText(at, text, other) || found
				}
			}
		}
	}
	*s = reached
	return found
}

// addThrough adds every position from first to last.
func (s *positions) addThrough(first, last int) {
	for at := first; at <= last; at++ {
		s.add(at)
	}
}

// addRun adds the positions that a '*' at the given one leads to. A position
// that is there already was reached by a run that went on to the same end.
func (s *positions) addRun(at int, text string) {
	for ; !s.has(at); at++ {
		s.add(at)
		if at == len(text) || text[at] == '.' || text[at] == '#' {
			return
		}
	}
}

// addText adds the position behind want, if want stands at the given one.
func (s *positions) addText(at int, text, want string) bool {
	if !strings.HasPrefix(text[at:], want) {
		return false
	}
	s.add(at + len(want))
	return true
}
