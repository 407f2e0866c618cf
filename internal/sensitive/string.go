package sensitive

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every sensitive value prints as, whatever it holds: an
// empty one prints the same, so that a log does not tell which secrets are set.
const Redacted = "[REDACTED]"

// String is a secret text. The zero value is the empty secret.
//
// It is comparable neither with == nor as a map key, because the comparison of
// two Go strings takes a time that depends on what they have in common; use
// Equal. Copies are cheap and share the same bytes. Go cannot wipe a string
// from memory, and this type does not pretend to.
type String struct {
	_ [0]func() // makes == a compile error
	// A pointer, so that reflection-based printers that reach past the methods
	// below (an unexported field of another struct) show an address at most.
	plain *string
}

// New wraps a secret text.
func New(plain string) String {
	if plain == "" {
		return String{}
	}
	return String{plain: &plain}
}

// Reveal returns the secret itself. Every call is a place to review: the
// result must go into a hash, a MAC, a Secret's data or the one response that
// is meant to carry it, and nowhere else.
func (s String) Reveal() string {
	if s.plain == nil {
		return ""
	}
	return *s.plain
}

// IsZero reports whether the secret is empty. It is also what the omitzero
// option of encoding/json asks.
func (s String) IsZero() bool { return s.plain == nil }

// Equal reports whether two secrets are the same text. It compares SHA-256
// digests in constant time, so that the time taken tells neither how long a
// common prefix is nor whether the lengths agree.
func (s String) Equal(other String) bool {
	a, b := sha256.Sum256([]byte(s.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Format implements fmt.Formatter for every verb and flag, also for those that
// would otherwise print the fields (%+v, %#v, %x).
func (String) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, Redacted)
}

// String implements fmt.Stringer, for printers that do not use fmt.
func (String) String() string { return Redacted }

// GoString implements fmt.GoStringer.
func (String) GoString() string { return Redacted }

// MarshalText implements encoding.TextMarshaler, which encoding/json,
// encoding/xml and the YAML encoders of Kubernetes follow.
func (String) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// MarshalJSON implements json.Marshaler.
func (String) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// LogValue implements slog.LogValuer.
func (String) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalLog implements logr.Marshaler without importing logr.
func (String) MarshalLog() any { return Redacted }
