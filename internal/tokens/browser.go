package tokens

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// BrowserLifetime is how long a browser is known, from its login or its first
// page on.
const BrowserLifetime = 8 * time.Hour

// maxCookieLength is the longest cookie that is looked at; those that are made
// have some 400 bytes.
const maxCookieLength = 2 << 10

// Browser is what a browser's cookie says: which browser it is and, once
// somebody has logged in there, who and by which password. It is kept nowhere.
type Browser struct {
	// ID is a random UUID, another one after every login.
	ID string
	// ExpiresAt is when the browser is a stranger again.
	ExpiresAt time.Time
	// Subject, CredentialVersion and AuthTime are the login's, as in Access; empty
	// and zero where nobody has logged in.
	Subject, CredentialVersion string
	AuthTime                   time.Time
}

// SealBrowser writes the cookie's value. random gives salt and nonce. The error is
// the caller's mistake, or the reader's.
func SealBrowser(random io.Reader, ring *keys.Ring, b *Browser) (string, error) {
	if err := b.check(); err != nil {
		return "", fmt.Errorf("making a browser's cookie: %w", err)
	}
	return sealValue(random, ring, keys.BrowserSession, appendBrowser(b), maxCookieLength)
}

// OpenBrowser reads what SealBrowser made. It does not look at the time. Errors
// wrap one of this package's.
func OpenBrowser(ring *keys.Ring, text string) (*Browser, error) {
	record, err := openValue(ring, keys.BrowserSession, text, maxCookieLength)
	if err != nil {
		return nil, err
	}
	b, ok := readBrowser(record)
	if !ok || b.check() != nil {
		return nil, fmt.Errorf("%w: not a browser's cookie of this program's", ErrMalformed)
	}
	return b, nil
}

func (b *Browser) check() error {
	switch {
	case !isUUID(b.ID) || !datable(b.ExpiresAt):
		return errors.New("id and expiry are required")
	case b.Subject == "" && (b.CredentialVersion != "" || !b.AuthTime.IsZero()),
		b.Subject != "" && (b.CredentialVersion == "" || !datable(b.AuthTime)):
		return errors.New("a login has a subject, a credential version and a time")
	}
	return nil
}

func appendBrowser(b *Browser) []byte {
	dst := appendText([]byte(`{"id":`), b.ID)
	dst = appendSeconds(append(dst, `,"exp":`...), b.ExpiresAt)
	if b.Subject != "" {
		dst = appendText(append(dst, `,"sub":`...), b.Subject)
		dst = appendText(append(dst, `,"cv":`...), b.CredentialVersion)
		dst = appendSeconds(append(dst, `,"auth_time":`...), b.AuthTime)
	}
	return append(dst, '}')
}

func readBrowser(record string) (*Browser, bool) {
	r, b := newCursor(record), &Browser{}
	r.expect(`{"id":`)
	b.ID = r.text()
	r.expect(`,"exp":`)
	b.ExpiresAt = r.seconds()
	if b.Subject = r.optional(`,"sub":`); b.Subject != "" {
		r.expect(`,"cv":`)
		b.CredentialVersion = r.text()
		r.expect(`,"auth_time":`)
		b.AuthTime = r.seconds()
	}
	r.expect(`}`)
	return b, r.end()
}
