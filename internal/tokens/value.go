package tokens

import (
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// sealValue seals a record as text for a URL or a cookie, of at most limit bytes.
func sealValue(random io.Reader, ring *keys.Ring, purpose keys.Purpose, record []byte, limit int) (string, error) {
	if !utf8.Valid(record) {
		return "", fmt.Errorf("sealing: %w: a text is not UTF-8", ErrMalformed)
	}
	value, err := ring.SealValue(random, purpose, record)
	if err != nil {
		return "", fmt.Errorf("sealing: %w", err)
	}
	if size := compact.EncodedLen(len(value)); size > limit {
		return "", fmt.Errorf("sealing: %w: %d bytes, more than %d", ErrTooLarge, size, limit)
	}
	return compact.EncodeToString(value), nil
}

// openValue opens what sealValue made. Errors wrap one of this package's.
func openValue(ring *keys.Ring, purpose keys.Purpose, text string, limit int) (string, error) {
	if len(text) > limit {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrMalformed, limit)
	}
	value, ok := decode(nil, text)
	if !ok {
		return "", fmt.Errorf("%w: not base64url", ErrMalformed)
	}
	record, err := ring.OpenValue(purpose, value)
	if err != nil {
		return "", ErrSignature
	}
	return string(record), nil
}
