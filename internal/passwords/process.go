package passwords

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/argon2"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// The cost of one argon2id (RFC 9106): two passes over 19 MiB in one lane.
const (
	hashPasses = 2
	hashKiB    = 19 * 1024
	hashLanes  = 1
)

// noMatch is the index of no material.
const noMatch = -1

// digest is a keyed SHA-256 of this process.
type digest [sha256.Size]byte

// process holds the randomness of one process: what is derived from it means
// nothing to another one, and nothing after a restart.
type process struct {
	key   []byte
	salt  []byte
	decoy []Material // what a login without a password is compared with
	// stretch is argon2id; tests count its calls.
	stretch func(password, salt []byte) []byte
}

func newProcess(random io.Reader) (*process, error) {
	seed := make([]byte, 80)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("reading randomness for passwords: %w", err)
	}
	decoy := base64.RawURLEncoding.EncodeToString(seed[48:])
	return &process{
		key:     seed[:32],
		salt:    seed[32:48],
		decoy:   []Material{Clear(sensitive.New(decoy))},
		stretch: argon2id,
	}, nil
}

func argon2id(password, salt []byte) []byte {
	return argon2.IDKey(password, salt, hashPasses, hashKiB, hashLanes, sha256.Size)
}

// match does the work and returns the index of the material that is the
// presented password, or noMatch. The time it takes depends on the number of
// materials by one HMAC each, and on nothing that it compares. An empty
// password matches nothing, not even an empty material.
func (p *process) match(presented sensitive.String, materials []Material) int {
	key := p.stretch([]byte(presented.Reveal()), p.salt)
	want := keyed(key, presented.Reveal())
	found := noMatch
	for i, m := range slices.Backward(materials) { // of two equal ones the first is found
		got := keyed(key, m.clear.Reveal())
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(got[:], want[:]), i, found)
	}
	if presented.IsZero() {
		return noMatch
	}
	return found
}

// digest is a name for the parts that nobody outside of this process can make.
func (p *process) digest(purpose string, parts ...string) digest {
	return keyed(p.key, append([]string{purpose}, parts...)...)
}

// keyed is HMAC-SHA256 over the parts, each after its length as eight bytes, so
// that no two lists of parts make the same message.
func keyed(key []byte, parts ...string) digest {
	var message []byte
	for _, part := range parts {
		message = binary.BigEndian.AppendUint64(message, uint64(len(part)))
		message = append(message, part...)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return digest(mac.Sum(nil))
}
