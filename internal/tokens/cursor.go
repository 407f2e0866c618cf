package tokens

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// cursor reads the JSON that this package writes, and nothing else: no white
// space, members in their order, one form for each value. What a general parser
// has to decide (a member twice, a number in exponents, an unknown member)
// cannot arise. After a mismatch bad is set and everything reads as empty.
type cursor struct {
	rest string
	bad  bool
}

// newCursor starts at the beginning of text, which has to be UTF-8.
func newCursor(text string) cursor {
	if !utf8.ValidString(text) {
		return cursor{bad: true}
	}
	return cursor{rest: text}
}

// expect reads what must be there.
func (c *cursor) expect(literal string) {
	if !c.accept(literal) {
		c.fail()
	}
}

// accept reads what may be there.
func (c *cursor) accept(literal string) bool {
	rest, found := strings.CutPrefix(c.rest, literal)
	c.rest = rest
	return found
}

func (c *cursor) fail() { c.rest, c.bad = "", true }

// end reports whether all was read and all of it was right.
func (c *cursor) end() bool { return !c.bad && c.rest == "" }

// text reads a string. Without escapes it is a part of the input, not a copy.
func (c *cursor) text() string {
	c.expect(`"`)
	for i := 0; i < len(c.rest); i++ {
		switch b := c.rest[i]; {
		case b == '"':
			text := c.rest[:i]
			c.rest = c.rest[i+1:]
			return text
		case b == '\\':
			return c.escapedText(i)
		case b < 0x20:
			c.fail()
		}
	}
	c.fail()
	return ""
}

// escapedText reads the rest of a string whose first escape is at i.
func (c *cursor) escapedText(i int) string {
	var text strings.Builder
	for {
		text.WriteString(c.rest[:i])
		c.rest = c.rest[i:]
		switch {
		case c.accept(`"`):
			return text.String()
		case c.accept(`\`):
			text.WriteByte(c.escape())
		default:
			c.fail()
			return ""
		}
		i = strings.IndexFunc(c.rest, func(r rune) bool { return r == '"' || r == '\\' || r < 0x20 })
		i = max(i, 0)
	}
}

// escape reads what follows a backslash: the three forms that appendText has.
func (c *cursor) escape() byte {
	switch {
	case c.accept(`"`):
		return '"'
	case c.accept(`\`):
		return '\\'
	case c.accept(`u00`) && len(c.rest) >= 2:
		high := strings.IndexByte(hexDigits[:2], c.rest[0])
		low := strings.IndexByte(hexDigits, c.rest[1])
		if high >= 0 && low >= 0 {
			c.rest = c.rest[2:]
			return byte(high<<4 | low)
		}
	}
	c.fail()
	return 0
}

// optional reads a member that is left out when it is empty.
func (c *cursor) optional(member string) string {
	if !c.accept(member) {
		return ""
	}
	text := c.text()
	if text == "" {
		c.fail()
	}
	return text
}

// texts reads an array of strings; an empty one is nil.
func (c *cursor) texts() []string {
	c.expect(`[`)
	if c.bad || c.accept(`]`) {
		return nil
	}
	texts := make([]string, 0, 1+strings.Count(c.rest, `","`))
	for {
		texts = append(texts, c.text())
		if !c.accept(`,`) {
			c.expect(`]`)
			return texts
		}
	}
}

// integer reads a number without sign, fraction, exponent or leading zero.
func (c *cursor) integer() int64 {
	size := 0
	for size < len(c.rest) && c.rest[size] >= '0' && c.rest[size] <= '9' {
		size++
	}
	n, ok := parseCanonical(c.rest[:size])
	if !ok {
		c.fail()
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) boolean() bool {
	if c.accept(`true`) {
		return true
	}
	c.expect(`false`)
	return false
}

func (c *cursor) seconds() time.Time { return time.Unix(c.integer(), 0).UTC() }

// parseCanonical reads a decimal number from 0 up in its one form.
func parseCanonical(digits string) (int64, bool) {
	if digits == "" || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}
