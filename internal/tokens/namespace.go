package tokens

// maxNamespace is the longest name of a namespace (RFC 1123).
const maxNamespace = 63

// isNamespace knows the names that a namespace can have: lower-case letters,
// digits and dashes, with a letter or digit at both ends. No dot, which parts it
// from what stands beside it.
func isNamespace(s string) bool {
	if s == "" || len(s) > maxNamespace || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}
