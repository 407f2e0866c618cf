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
	decoy Material // what is compared with where there is no password
	// stretch is argon2id, and verify does the work of an imported hash; tests
	// count their calls.
	stretch func(password, salt []byte) []byte
	verify  func(hash *imported, presented string) bool
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
		decoy:   Clear(sensitive.New(decoy)),
		stretch: argon2id,
		verify:  (*imported).matches,
	}, nil
}

func argon2id(password, salt []byte) []byte {
	return argon2.IDKey(password, salt, hashPasses, hashKiB, hashLanes, sha256.Size)
}

// decoyOf is a material of a shape that nothing matches.
func (p *process) decoyOf(shape Shape) Material {
	if shape.scheme == notHashed {
		return p.decoy
	}
	first, second := p.digest("decoy", "1"), p.digest("decoy", "2")
	hash := &imported{shape: shape, salt: p.salt, sum: slices.Concat(first[:], second[:])}
	switch shape.scheme {
	case argon2idScheme:
		hash.sum = hash.sum[:sha256.Size]
	case bcryptScheme:
		hash.encoded = sensitive.New(encodeBcrypt(shape.cost, p.salt[:bcryptSalt], hash.sum[:bcryptSum]))
	case pbkdf2Scheme, notHashed:
	}
	return Material{imported: hash}
}

// match does the work and returns the index of the material that is the
// presented password, or noMatch. The time it takes depends on the shapes of
// the materials, on the number of those in clear by one HMAC each, and on
// nothing that it compares. An empty password matches nothing, not even an
// empty material.
func (p *process) match(presented sensitive.String, materials []Material) int {
	equal := p.comparison(presented)
	found := noMatch
	for i, m := range slices.Backward(materials) { // of two equal ones the first is found
		var same int
		if m.imported == nil {
			same = equal(m.clear)
		} else if p.verify(m.imported, presented.Reveal()) {
			same = 1
		}
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if presented.IsZero() {
		return noMatch
	}
	return found
}

// comparison compares with texts that are known. However many there are, the
// presented password is stretched once.
func (p *process) comparison(presented sensitive.String) func(sensitive.String) int {
	var key []byte
	var want digest
	return func(text sensitive.String) int {
		if key == nil {
			key = p.stretch([]byte(presented.Reveal()), p.salt)
			want = keyed(key, presented.Reveal())
		}
		got := keyed(key, text.Reveal())
		return subtle.ConstantTimeCompare(got[:], want[:])
	}
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
