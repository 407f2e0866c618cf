package wazo

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// members are those of a JSON object as they were sent. Of a name that is there twice the last
// counts; names that nobody asks for are ignored. The case of a name matters.
type members map[string]json.RawMessage

// parseMembers reads a body. null, {} and [] are an object without members.
func parseMembers(body []byte) (members, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errNotJSON
	}
	var m members
	if err := json.Unmarshal(body, &m); err == nil {
		return m, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err == nil && len(list) == 0 {
		return nil, nil
	}
	return nil, invalid("the body must be an object")
}

// text reads a member that must be a string where it is there.
func (m members) text(name string) (value string, given bool, err error) {
	raw, given := m[name]
	if !given {
		return "", false, nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		return "", true, invalid(name + ": must be a string")
	}
	return value, true, nil
}

// texts reads a member that must be there, as a list of strings.
func (m members) texts(name string) ([]string, error) {
	var values []*string
	if raw := m[name]; raw == nil || raw[0] != '[' || json.Unmarshal(raw, &values) != nil {
		return nil, invalid(name + ": must be a list of strings")
	}
	texts := make([]string, len(values))
	for i, value := range values {
		if value == nil {
			return nil, invalid(name + ": must be a list of strings")
		}
		texts[i] = *value
	}
	return texts, nil
}

// seconds reads a lifetime from one second to most; zero where there is none. It is a number, whose fraction is cut off, or a
// whole number in a string, which may have white space around it.
func (m members) seconds(name string, most time.Duration) (time.Duration, error) {
	raw, given := m[name]
	if !given {
		return 0, nil
	}
	seconds, ok := parseSeconds(raw)
	limit := float64(most / time.Second)
	if !ok || seconds < 1 || seconds >= limit+1 {
		return 0, invalid(name + ": must be a number of seconds from 1 to " + strconv.FormatFloat(limit, 'f', -1, 64))
	}
	return time.Duration(seconds) * time.Second, nil
}

// parseSeconds gives a float so that no number of digits overflows: up to 2⁵³ seconds it is exact.
func parseSeconds(raw json.RawMessage) (seconds float64, ok bool) {
	switch first := raw[0]; {
	case first == '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return 0, false
		}
		whole, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return float64(whole), err == nil
	case first == '-' || '0' <= first && first <= '9':
		number, err := strconv.ParseFloat(string(raw), 64)
		return number, err == nil
	}
	return 0, false
}
