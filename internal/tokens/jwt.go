package tokens

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// MaxTokenLength is the longest JWT, in bytes, that is made or looked at. It is
// what common servers allow for one header line.
const MaxTokenLength = 8 << 10

// compact is the base64url of the JWS compact serialization. Strict: spare bits
// at the end have to be zero, so that a signature has one spelling.
var compact = base64.RawURLEncoding.Strict()

// Sign makes the self-contained access token. Equal input gives equal bytes.
// The error is the caller's mistake (a member missing or not of its dialect, a
// text that is not UTF-8) or ErrTooLarge.
func Sign(key *keys.SigningKey, a *Access) (string, error) {
	if err := a.check(); err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	// Most tokens are built on the stack, so that the result is the only copy.
	var headerScratch [headerCapacity]byte
	var claimsScratch [1 << 10]byte
	var tokenScratch [2 << 10]byte
	claims := appendClaims(claimsScratch[:0], a)
	if !utf8.Valid(claims) {
		return "", errors.New("signing an access token: a text is not UTF-8")
	}
	token := compact.AppendEncode(tokenScratch[:0], appendHeader(headerScratch[:0], key, a.Dialect))
	token = compact.AppendEncode(append(token, '.'), claims)
	signature, err := key.Sign(token)
	if err != nil {
		return "", fmt.Errorf("signing an access token: %w", err)
	}
	token = compact.AppendEncode(append(token, '.'), signature)
	if len(token) > MaxTokenLength {
		return "", fmt.Errorf("signing an access token: %w: %d bytes, more than %d", ErrTooLarge, len(token), MaxTokenLength)
	}
	return string(token), nil
}

// Verify reads a token that Sign made with one of the ring's published keys. It
// checks the form, the type, that the algorithm is the key's own, the signature
// and the issuer, but not the time (Access.Expired, Access.NotYetValid), nor
// whether the grant still lives. It accepts header and claims in the very bytes
// that Sign writes and in no other spelling, which leaves "crit", "none", members
// given twice or unknown and sloppy base64 without a place. Only an ES256
// signature has a twin, (r, n−s), that anyone can compute and that is as good: a
// token is known by its jti, not by its text. Errors wrap one of this package's.
func Verify(ring *keys.Ring, token string) (access *Access, keyID string, err error) {
	if len(token) > MaxTokenLength {
		return nil, "", fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxTokenLength)
	}
	signed := strings.LastIndexByte(token, '.')
	dot := strings.IndexByte(token, '.')
	if dot < 0 || dot == signed {
		return nil, "", fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	key, dialect, err := readHeader(ring, token[:dot])
	if err != nil {
		return nil, "", err
	}
	var signatureScratch, claimsScratch [1 << 10]byte
	signature, okSignature := decode(signatureScratch[:0], token[signed+1:])
	claims, okClaims := decode(claimsScratch[:0], token[dot+1:signed])
	if !okSignature || !okClaims {
		return nil, "", fmt.Errorf("%w: not base64url", ErrMalformed)
	}
	if !key.Verify([]byte(token[:signed]), signature) {
		return nil, "", ErrSignature
	}
	access, ok := readClaims(string(claims), dialect)
	if !ok {
		return nil, "", fmt.Errorf("%w: not claims of this program's", ErrMalformed)
	}
	if err := admit(ring, access); err != nil {
		return nil, "", err
	}
	return access, key.ID, nil
}

// decode appends the decoded form of base64url in its one spelling. The
// standard decoder skips line breaks even where it is strict.
func decode(dst []byte, segment string) ([]byte, bool) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, false
	}
	data, err := compact.AppendDecode(dst, []byte(segment))
	return data, err == nil
}
