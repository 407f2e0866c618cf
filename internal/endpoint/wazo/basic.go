package wazo

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// parseBasic reads the login and the password from the Authorization headers of a request: one
// header, both halves there, in UTF-8 or else in Latin-1, as browsers and old clients send it. The
// first colon separates, so a password may hold some.
func parseBasic(headers []string) (login string, password sensitive.String, ok bool) {
	if len(headers) != 1 {
		return "", sensitive.String{}, false
	}
	scheme, encoded, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", sensitive.String{}, false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Trim(encoded, " "))
	if err != nil {
		return "", sensitive.String{}, false
	}
	defer clear(decoded)
	login, secret, _ := strings.Cut(decodeText(decoded), ":")
	return login, sensitive.New(secret), login != "" && secret != ""
}

// decodeText reads bytes as UTF-8 or, where they are not, as Latin-1, which anything is.
func decodeText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	runes := make([]rune, len(raw))
	for i, c := range raw {
		runes[i] = rune(c)
	}
	return string(runes)
}
