package tokens

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// SessionName is the name of the object that keeps a reference token's session:
// a digest, so that reading the object does not give away the token.
func SessionName(token string) string { return keys.Name("session", token) }

// SealSession makes the object that a reference token stands for: its name and
// its sealed record. random gives the nonce. The error is the caller's mistake,
// as with Sign, or the reader's.
func SealSession(random io.Reader, ring *keys.Ring, token string, a *Access) (name string, sealed []byte, err error) {
	if err := a.check(); err != nil {
		return "", nil, fmt.Errorf("sealing a session: %w", err)
	}
	record := appendSession(a)
	if !utf8.Valid(record) {
		return "", nil, errors.New("sealing a session: a text is not UTF-8")
	}
	name = SessionName(token)
	sealed, err = ring.SealSession(random, name, record)
	if err != nil {
		return "", nil, fmt.Errorf("sealing a session: %w", err)
	}
	return name, sealed, nil
}

// OpenSession reads the record that is kept under name. As Verify does, it
// checks the issuer and not the time. Errors wrap one of this package's.
func OpenSession(ring *keys.Ring, name string, sealed []byte) (*Access, error) {
	record, err := ring.OpenSession(name, sealed)
	if err != nil {
		return nil, ErrSignature
	}
	a, ok := readSession(string(record))
	if !ok {
		return nil, fmt.Errorf("%w: not a session record of this program's", ErrMalformed)
	}
	if err := admit(ring, a); err != nil {
		return nil, err
	}
	return a, nil
}

// appendSession writes the record: the dialect, the claims, then the login.
func appendSession(a *Access) []byte {
	dst := appendText([]byte(`{"dialect":`), string(a.Dialect))
	dst = appendMembers(append(dst, ','), a)
	if a.Mobile {
		dst = append(dst, `,"mobile":true`...)
	}
	dst = appendOptional(dst, `,"user_agent":`, a.UserAgent)
	dst = appendOptional(dst, `,"remote_addr":`, a.RemoteAddress)
	return append(dst, '}')
}

// readSession reads what appendSession wrote.
func readSession(record string) (*Access, bool) {
	c, a := newCursor(record), &Access{}
	c.expect(`{"dialect":`)
	a.Dialect = Dialect(c.text())
	c.expect(`,`)
	readMembers(&c, a)
	a.Mobile = c.accept(`,"mobile":true`)
	a.UserAgent = c.optional(`,"user_agent":`)
	a.RemoteAddress = c.optional(`,"remote_addr":`)
	c.expect(`}`)
	return a, c.end()
}
