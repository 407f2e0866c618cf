package oauth

import (
	"bytes"
	"unicode/utf8"
)

// form reads an application/x-www-form-urlencoded body pair by pair. It decodes in place, into the
// body itself, and unlike net/url keeps no map: a token request is a handful of parameters that are
// each looked at once.
type form struct {
	rest []byte
	// name and value are the pair that next has found. They point into the body.
	name, value []byte
	malformed   bool
}

// next goes on to the next pair. It says false at the end, and at a pair that is malformed: an
// escape that is none, or text that is not UTF-8 (RFC 6749 appendix B).
func (f *form) next() bool {
	for len(f.rest) > 0 {
		var pair []byte
		pair, f.rest, _ = bytes.Cut(f.rest, []byte{'&'})
		if len(pair) == 0 {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte{'='})
		var nameOK, valueOK bool
		f.name, nameOK = unescape(name)
		f.value, valueOK = unescape(value)
		f.malformed = !nameOK || !valueOK
		return !f.malformed
	}
	return false
}

// unescape decodes in place and returns the shorter text.
func unescape(text []byte) ([]byte, bool) {
	decoded := text[:0]
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(text) {
				return nil, false
			}
			high, low := nibble(text[i+1]), nibble(text[i+2])
			if high|low > 0xf {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		decoded = append(decoded, c)
	}
	return decoded, utf8.Valid(decoded)
}

// nibble is the value of a hexadecimal digit, and above 15 of anything else.
func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
