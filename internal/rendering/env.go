package rendering

import (
	"regexp"
	"strings"
)

// plain are the values that every reader of such a file takes as they stand.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=~-]*$`)

// env writes the values as environment variables, one a line, for a POSIX shell (set -a; . file), for
// the env_file of Compose and for everything that reads it that way. A value is quoted only where it
// must be, because docker run --env-file takes quotes for a part of it; what no quoting carries
// through all of them, as a CA bundle with its line breaks, is left out.
func env(prefix string, values *Values) []byte {
	var file strings.Builder
	for _, variable := range []struct{ name, value string }{
		{"ACCESS_TOKEN", values.AccessToken.Reveal()},
		{"EXPIRES_AT", values.expiry()},
		{"TOKEN_TYPE", tokenType},
		{"CLIENT_ID", values.ClientID},
		{"ISSUER", values.Issuer},
		{"TOKEN_URL", values.TokenURL},
		{"REFRESH_TOKEN", values.RefreshToken.Reveal()},
	} {
		if quoted, ok := envQuote(variable.value); ok {
			file.WriteString(prefix + variable.name + "=" + quoted + "\n")
		}
	}
	return []byte(file.String())
}

// envQuote quotes a value that is not empty. Between single quotes a shell takes everything but a
// single quote as it is, and Compose everything but that and a backslash.
func envQuote(value string) (quoted string, ok bool) {
	switch {
	case value == "":
		return "", false
	case plain.MatchString(value):
		return value, true
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\'' || r == '\\' }):
		return "", false
	}
	return "'" + value + "'", true
}
