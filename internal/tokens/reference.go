package tokens

import (
	"fmt"
	"io"

	"github.com/google/uuid"
)

// NewReference makes a reference access token: a random UUID, 122 bits from
// random. The error is the reader's.
func NewReference(random io.Reader) (string, error) { return NewID(random) }

// NewID makes the id of a token, of a grant or of whatever else must be told
// apart: a random UUID, 122 bits from random. The error is the reader's.
func NewID(random io.Reader) (string, error) {
	id, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return "", fmt.Errorf("make a UUID: %w", err)
	}
	return id.String(), nil
}

// IsReference reports whether s has the form of a reference token: a version 4
// UUID, dashed and in lower case. Asked before anything is looked up, it spares
// the lookup for whatever else is presented.
func IsReference(s string) bool {
	return isUUID(s) && s[14] == '4' && (s[19] == '8' || s[19] == '9' || s[19] == 'a' || s[19] == 'b')
}

// isUUID knows one spelling only. The UUID package's parser takes several, and
// then one token would have several names.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
