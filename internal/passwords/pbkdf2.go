package passwords

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// passlibEncoding is that of Python's passlib: base64 without padding, with '.'
// where the standard has '+'.
var passlibEncoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding).Strict()

// parsePasslib reads iterations, salt and hash as passlib's pbkdf2_sha512
// writes them.
func parsePasslib(parts []string) (*imported, error) {
	return parsePBKDF2("pbkdf2-sha512", parts, "passlib's base64", passlibEncoding.DecodeString)
}

// parseWazo reads iterations, salt and hash, both in hex: what wazo-auth's
// database holds in two columns.
func parseWazo(parts []string) (*imported, error) {
	return parsePBKDF2("wazo-auth", parts, "hex in lower case", lowerHex)
}

func parsePBKDF2(kind string, parts []string, encoding string, decode func(string) ([]byte, error)) (*imported, error) {
	if len(parts) != 3 {
		return nil, fmt.Errorf("%s: not of the form $%s$iterations$salt$hash", kind, kind)
	}
	rounds, err := number(parts[0], 1, maxPBKDF2Rounds)
	if err != nil {
		return nil, fmt.Errorf("%s: the number of iterations is %w", kind, err)
	}
	salt, err := decode(parts[1])
	if err != nil {
		return nil, fmt.Errorf("%s: the salt is not %s", kind, encoding)
	}
	if err := checkSalt(salt); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	sum, err := decode(parts[2])
	if err != nil {
		return nil, fmt.Errorf("%s: the hash is not %s", kind, encoding)
	}
	if len(sum) != sha512.Size {
		return nil, fmt.Errorf("%s: the hash has not %d bytes", kind, sha512.Size)
	}
	return &imported{shape: Shape{scheme: pbkdf2Scheme, cost: rounds}, salt: salt, sum: sum}, nil
}

func lowerHex(text string) ([]byte, error) {
	decoded, err := hex.DecodeString(text)
	if err == nil && hex.EncodeToString(decoded) != text {
		return nil, errors.New("upper case")
	}
	return decoded, err
}

// matchesPBKDF2 fails only where FIPS mode forbids the parameters, and then
// nothing matches.
func (h *imported) matchesPBKDF2(presented string) bool {
	got, err := pbkdf2.Key(sha512.New, presented, h.salt, int(h.shape.cost), len(h.sum))
	return err == nil && subtle.ConstantTimeCompare(got, h.sum) == 1
}
