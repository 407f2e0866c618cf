package dialect

// maxDescription bounds a description in bytes: some quote what the client has sent.
const maxDescription = 256

// AppendDescription writes a text in the characters that error_description may have: printable
// ASCII but for the quotation mark and the backslash (RFC 6749 §5.2).
func AppendDescription(to []byte, text string) []byte {
	for i := range min(len(text), maxDescription) {
		switch c := text[i]; {
		case c == '"':
			to = append(to, '\'')
		case c < ' ' || c > '~' || c == '\\':
			to = append(to, '?')
		default:
			to = append(to, c)
		}
	}
	return to
}
