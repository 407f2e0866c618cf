package wazo

import (
	"net/url"
	"strings"
)

// query reads a URL's query pair by pair. Unlike net/url it keeps no map, and it passes nothing
// over: whatever a verifying service demands has to be looked at, so an escape that is none stands
// for itself and a semicolon is a letter like any other.
type query struct {
	rest string
	// name and value are the pair that next has found.
	name, value string
}

// next goes on to the next pair, and says false at the end.
func (q *query) next() bool {
	for q.rest != "" {
		var pair string
		pair, q.rest, _ = strings.Cut(q.rest, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		q.name, q.value = unescape(name), unescape(value)
		return true
	}
	return false
}

func unescape(text string) string {
	unescaped, err := url.QueryUnescape(text)
	if err != nil {
		return text
	}
	return unescaped
}
