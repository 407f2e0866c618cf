package tokens

import (
	"strconv"
	"time"
)

// The few pieces of JSON (RFC 8259) that tokens are written with. Written by
// hand because the bytes are final and the path is hot; the text is not checked
// for UTF-8 here but once, as a whole, by the caller.

const hexDigits = "0123456789abcdef"

// appendText writes a string.
func appendText(dst []byte, text string) []byte {
	return append(appendEscaped(append(dst, '"'), text), '"')
}

// appendEscaped writes what stands between the quotes, with the least escaping
// that JSON allows and only one escape for each character, so that a text has
// one form.
func appendEscaped(dst []byte, text string) []byte {
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		if c < 0x20 {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			dst = append(dst, '\\', c)
		}
		start = i + 1
	}
	return append(dst, text[start:]...)
}

func appendTexts(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, text)
	}
	return append(dst, ']')
}

// appendOptional writes a member unless it is empty.
func appendOptional(dst []byte, member, text string) []byte {
	if text == "" {
		return dst
	}
	return appendText(append(dst, member...), text)
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

func appendBool(dst []byte, b bool) []byte { return strconv.AppendBool(dst, b) }

// appendSeconds writes a NumericDate (RFC 7519 §2) without a fraction.
func appendSeconds(dst []byte, t time.Time) []byte { return appendInt(dst, t.Unix()) }
