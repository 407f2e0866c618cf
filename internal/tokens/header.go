package tokens

import (
	"fmt"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// typ returns the media type of a dialect's JWT as "typ" (RFC 7515 §4.1.9).
// The first is RFC 9068 §2.1; the second is known to no OAuth validator, and is
// meant to be.
func (d Dialect) typ() string {
	if d == OAuth2 {
		return "at+jwt"
	}
	return "wazo+jwt"
}

// headerCapacity holds every header there is: the longest has 86 bytes.
const headerCapacity = 96

// appendHeader writes the JOSE header, which follows wholly from key and dialect.
func appendHeader(dst []byte, key *keys.SigningKey, dialect Dialect) []byte {
	dst = append(append(dst, `{"alg":"`...), key.Algorithm...)
	dst = append(append(dst, `","kid":"`...), key.ID...)
	dst = append(append(dst, `","typ":"`...), dialect.typ()...)
	return append(dst, `"}`...)
}

// readHeader finds the key and the dialect of a header. Nothing in a header is
// obeyed: it names a key, the key has its algorithm, and the header has to be
// the one that Sign writes for that key.
func readHeader(ring *keys.Ring, segment string) (*keys.SigningKey, Dialect, error) {
	var scratch [headerCapacity]byte
	header, ok := decode(scratch[:0], segment)
	if !ok {
		return nil, "", fmt.Errorf("%w: header is not base64url", ErrMalformed)
	}
	c := newCursor(string(header))
	c.expect(`{"alg":`)
	alg := c.text()
	c.expect(`,"kid":`)
	id := c.text()
	c.expect(`,"typ":`)
	dialect := OAuth2
	if typ := c.text(); typ == Wazo.typ() {
		dialect = Wazo
	} else if typ != OAuth2.typ() {
		c.fail()
	}
	c.expect(`}`)
	if !c.end() {
		return nil, "", fmt.Errorf("%w: not a header of this program's", ErrMalformed)
	}
	key, ok := ring.SigningKey(id)
	if !ok {
		return nil, "", ErrUnknownKey
	}
	if keys.Algorithm(alg) != key.Algorithm {
		return nil, "", fmt.Errorf("%w: algorithm is not the key's", ErrMalformed)
	}
	return key, dialect, nil
}
