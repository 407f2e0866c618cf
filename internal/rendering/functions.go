package rendering

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// builtins are the functions of package text/template that are left in force. The others reach code
// that this room does not bound, or are replaced by some that pay for what they do.
var builtins = map[string]bool{"and": true, "or": true, "not": true, "len": true}

// functions are what a template may call beside the builtins: names and orders of arguments are those
// that Helm charts and the operators around them have made common. Each is a function of its
// arguments alone, and pays for what it reads before it makes anything.
func (b *budget) functions() template.FuncMap {
	return template.FuncMap{
		"b64enc":   b.change(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"lower":    b.change(strings.ToLower),
		"quote":    b.change(strconv.Quote),
		"trim":     b.change(strings.TrimSpace),
		"upper":    b.change(strings.ToUpper),
		"urlquery": b.change(url.QueryEscape),

		"trimPrefix": b.cut(strings.TrimPrefix),
		"trimSuffix": b.cut(strings.TrimSuffix),

		"contains":  b.test(strings.Contains),
		"hasPrefix": b.test(strings.HasPrefix),
		"hasSuffix": b.test(strings.HasSuffix),

		"default": otherwise,
		"eq":      b.equal,
		"has":     b.has,
		"indent":  b.indent,
		"index":   index,
		"join":    b.join,
		"ne":      b.differ,
		"nindent": b.nindent,
		"printf":  b.printf,
		"replace": b.replace,
		"toJson":  b.toJSON,
	}
}

func (b *budget) change(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) {
		if err := b.spend(len(s)); err != nil {
			return "", err
		}
		return b.give(f(s))
	}
}

// cut makes a function of a template of one of package strings, which takes the text first: in a
// pipeline it comes last.
func (b *budget) cut(f func(s, part string) string) func(part, s string) (string, error) {
	return func(part, s string) (string, error) {
		if err := b.spend(len(part) + len(s)); err != nil {
			return "", err
		}
		return b.give(f(s, part))
	}
}

func (b *budget) test(f func(s, part string) bool) func(part, s string) (bool, error) {
	return func(part, s string) (bool, error) {
		if err := b.spend(len(part) + len(s)); err != nil {
			return false, err
		}
		return f(s, part), nil
	}
}

// otherwise is the second value, or the first where the second is empty.
func otherwise(fallback, value any) any {
	if truth, ok := template.IsTrue(value); ok && truth {
		return value
	}
	return fallback
}

// equal compares two texts, two numbers or two truths.
func (b *budget) equal(x, y any) (bool, error) {
	switch x.(type) {
	case string, int, bool:
		if reflect.TypeOf(x) == reflect.TypeOf(y) {
			return x == y, b.spend(size(x) + size(y))
		}
	}
	return false, refusal("only two texts, two numbers or two truths can be compared")
}

func (b *budget) differ(x, y any) (bool, error) {
	same, err := b.equal(x, y)
	return !same, err
}

func (b *budget) has(entry string, list []string) (bool, error) {
	return slices.Contains(list, entry), b.spend(size(list))
}

// index is one of a list, counted from 0.
func index(list []string, at int) (string, error) {
	if at < 0 || at >= len(list) {
		return "", refusef("the list has %d entries, and none at %d", len(list), at)
	}
	return list[at], nil
}

// indent puts spaces in front of every line.
func (b *budget) indent(spaces int, s string) (string, error) {
	if err := b.spend(len(s)); err != nil {
		return "", err
	}
	lines := strings.Count(s, "\n") + 1
	if spaces < 0 || spaces > MaxOutputBytes || len(s)+spaces*lines > MaxOutputBytes {
		return "", errTooLong
	}
	pad := strings.Repeat(" ", spaces)
	return b.give(pad + strings.ReplaceAll(s, "\n", "\n"+pad))
}

func (b *budget) nindent(spaces int, s string) (string, error) {
	indented, err := b.indent(spaces, s)
	return "\n" + indented, err
}

func (b *budget) join(separator string, list []string) (string, error) {
	if len(separator)*len(list)+size(list) > MaxOutputBytes {
		return "", errTooLong
	}
	return b.give(strings.Join(list, separator))
}

func (b *budget) replace(old, replacement, s string) (string, error) {
	if err := b.spend(len(old) + len(replacement) + len(s)); err != nil {
		return "", err
	}
	if len(s)+strings.Count(s, old)*max(0, len(replacement)-len(old)) > MaxOutputBytes {
		return "", errTooLong
	}
	return b.give(strings.ReplaceAll(s, old, replacement))
}

// printf takes plain verbs only: a width or a precision asks for a text of any length. What does not
// fit its verb is an error, which package fmt would write into the text.
func (b *budget) printf(format string, args ...any) (string, error) {
	verbs, err := verbsOf(format)
	if err != nil {
		return "", err
	}
	if len(verbs) != len(args) {
		return "", refusef("printf has %d verbs and %d values", len(verbs), len(args))
	}
	length := len(format)
	for i, arg := range args {
		if !fits(verbs[i], arg) {
			return "", refusef("printf has a value that %%%c does not take", verbs[i])
		}
		length += size(arg)
	}
	if err := b.spend(length); err != nil {
		return "", err
	}
	return b.give(fmt.Sprintf(format, args...))
}

// verbsOf lists the letters behind the percent signs of a format.
func verbsOf(format string) (verbs []byte, err error) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		i++
		switch {
		case i < len(format) && format[i] == '%':
		case i < len(format) && strings.IndexByte("dqsv", format[i]) >= 0:
			verbs = append(verbs, format[i])
		default:
			return nil, refusal("printf takes %s, %d, %q, %v and %%, without width or precision")
		}
	}
	return verbs, nil
}

func fits(verb byte, value any) bool {
	switch value.(type) {
	case string:
		return verb != 'd'
	case int:
		return verb == 'd' || verb == 'v'
	case bool, []string:
		return verb == 'v'
	}
	return false
}

func (b *budget) toJSON(value any) (string, error) {
	if err := b.spend(size(value)); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", refusal("the value has no form in JSON")
	}
	return b.give(string(encoded))
}

// size is how many bytes of text a value holds.
func size(value any) (bytes int) {
	switch value := value.(type) {
	case string:
		return len(value)
	case []string:
		for _, entry := range value {
			bytes += len(entry)
		}
	case map[string]any: // all values of a token
		for _, entry := range value {
			bytes += size(entry)
		}
	}
	return bytes
}
