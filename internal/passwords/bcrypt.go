package passwords

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// How many bytes the parts of a bcrypt hash have, and the salt as text.
const (
	bcryptSalt     = 16
	bcryptSum      = 23
	bcryptSaltText = 22
)

// bcryptEncoding is base64 in the alphabet of bcrypt. Implementations differ in
// the bits of a salt's last character that nothing depends on, so it is not
// strict.
var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)

// parseBcrypt reads the cost, and salt and hash in one text.
func parseBcrypt(parts []string) (*imported, error) {
	if len(parts) != 2 || len(parts[0]) != 2 {
		return nil, errors.New("bcrypt: not of the form $2b$cost$ and 53 characters")
	}
	cost, err := number(strings.TrimPrefix(parts[0], "0"), uint32(bcrypt.MinCost), maxBcryptCost)
	if err != nil {
		return nil, fmt.Errorf("bcrypt: the cost is %w", err)
	}
	if len(parts[1]) != bcryptSaltText+bcryptEncoding.EncodedLen(bcryptSum) {
		return nil, errors.New("bcrypt: salt and hash have not 53 characters")
	}
	saltText, sumText := parts[1][:bcryptSaltText], parts[1][bcryptSaltText:]
	if _, err := bcryptEncoding.DecodeString(saltText); err != nil {
		return nil, errors.New("bcrypt: the salt is not in bcrypt's alphabet")
	}
	// A hash that is spelled otherwise than the library spells it would never match.
	if _, err := bcryptEncoding.Strict().DecodeString(sumText); err != nil {
		return nil, errors.New("bcrypt: the hash is not in bcrypt's alphabet")
	}
	return &imported{shape: Shape{scheme: bcryptScheme, cost: cost}}, nil
}

// encodeBcrypt is the text of a hash.
func encodeBcrypt(cost uint32, salt, sum []byte) string {
	digits := strconv.FormatUint(uint64(cost), 10)
	return "$2b$" + strings.Repeat("0", 2-len(digits)) + digits + "$" +
		bcryptEncoding.EncodeToString(salt) + bcryptEncoding.EncodeToString(sum)
}

// matchesBcrypt takes no password with a NUL: bcrypt repeats the password and
// the NUL that ends it, so that such a password can stand for another one.
func (h *imported) matchesBcrypt(presented string) bool {
	err := bcrypt.CompareHashAndPassword([]byte(h.encoded.Reveal()), []byte(presented))
	return err == nil && !strings.Contains(presented, "\x00")
}
