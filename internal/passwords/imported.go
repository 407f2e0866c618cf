package passwords

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// What an imported hash may cost. Whoever writes a hash decides what every
// guess costs the operator.
const (
	maxArgon2KiB    = 64 * 1024
	maxArgon2Passes = 5
	maxArgon2Lanes  = 8
	maxBcryptCost   = 14
	maxPBKDF2Rounds = 1_000_000
)

// How many bytes the parts of an imported hash may have.
const (
	maxEncoded = 512
	minSalt    = 8
	maxSalt    = 128
)

// scheme is how a password was hashed elsewhere.
type scheme uint8

const (
	notHashed scheme = iota
	argon2idScheme
	bcryptScheme
	pbkdf2Scheme // with HMAC-SHA512
)

// imported is a password of which only a hash is known, made by another
// program.
type imported struct {
	shape   Shape
	encoded sensitive.String
	salt    []byte // for bcrypt they are in encoded, which is what its library takes
	sum     []byte
}

// Hashed is a password of which only a hash is known, as another program has
// encoded it:
//
//	$argon2id$v=19$m=KiB,t=passes,p=lanes$salt$hash   PHC, base64 without padding
//	$2b$cost$…                                        bcrypt, also $2a$ and $2y$
//	$pbkdf2-sha512$iterations$salt$hash               passlib, base64 with '.' for '+'
//	$wazo-auth$iterations$salt$hash                   the same function, both in hex
//
// It takes no spelling but the one that the format asks for, and no hash that
// costs more than 64 MiB, five passes and eight lanes (argon2id), 2^14 rounds
// (bcrypt) or a million iterations (PBKDF2). The error says what is wrong and
// holds no part of the text.
//
// A bcrypt hash is of the first 72 bytes of a password: what is behind them
// does not count, as it never did for the program that made the hash. A
// password with a NUL in it is none of bcrypt's.
func Hashed(encoded sensitive.String) (Material, error) {
	text := encoded.Reveal()
	if len(text) > maxEncoded {
		return Material{}, fmt.Errorf("an encoded hash has at most %d bytes", maxEncoded)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Material{}, errors.New("no encoded hash has a space, a line break or a character beyond ASCII in it")
	}
	// The part before the first '$' is empty.
	parts := strings.Split(text, "$")
	if len(parts) < 4 || parts[0] != "" {
		return Material{}, errUnknownHash
	}
	parse, known := parsers[parts[1]]
	if !known {
		return Material{}, errUnknownHash
	}
	hash, err := parse(parts[2:])
	if err != nil {
		return Material{}, err
	}
	hash.encoded = encoded
	return Material{imported: hash}, nil
}

var errUnknownHash = errors.New("not an encoded hash of a known kind: $argon2id$, $2a$, $2b$, $2y$, $pbkdf2-sha512$ or $wazo-auth$")

// parsers read what follows the name of a kind.
var parsers = map[string]func(parts []string) (*imported, error){
	"argon2id":      parseArgon2id,
	"2a":            parseBcrypt,
	"2b":            parseBcrypt,
	"2y":            parseBcrypt,
	"pbkdf2-sha512": parsePasslib,
	"wazo-auth":     parseWazo,
}

// matches does the work and compares in constant time.
func (h *imported) matches(presented string) bool {
	switch h.shape.scheme {
	case argon2idScheme:
		return h.matchesArgon2id(presented)
	case bcryptScheme:
		return h.matchesBcrypt(presented)
	case pbkdf2Scheme:
		return h.matchesPBKDF2(presented)
	case notHashed:
	}
	return false
}

// number reads a decimal number without sign or leading zero.
func number(text string, smallest, largest uint32) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && n > uint64(largest):
		return 0, fmt.Errorf("above %d", largest)
	case err != nil || strconv.FormatUint(n, 10) != text:
		return 0, errors.New("not a number")
	case n < uint64(smallest):
		return 0, fmt.Errorf("below %d", smallest)
	}
	return uint32(n), nil
}

// checkSalt bounds a salt.
func checkSalt(salt []byte) error {
	if len(salt) < minSalt || len(salt) > maxSalt {
		return fmt.Errorf("the salt has fewer than %d or more than %d bytes", minSalt, maxSalt)
	}
	return nil
}
