package passwords

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// How many bytes an argon2id hash may have. RFC 9106 allows fewer, which a
// guess might hit upon.
const (
	minArgon2Sum = 16
	maxArgon2Sum = 64
)

// phcEncoding refuses what decodes to the same bytes as another text.
var phcEncoding = base64.RawStdEncoding.Strict()

// parseArgon2id reads v=19, the costs, the salt and the hash.
func parseArgon2id(parts []string) (*imported, error) {
	if len(parts) != 4 || parts[0] != "v=19" {
		return nil, errors.New("argon2id: not of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash")
	}
	shape, err := parseArgon2Costs(parts[1])
	if err != nil {
		return nil, err
	}
	salt, err := phcEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, errors.New("argon2id: the salt is not base64 without padding")
	}
	if err := checkSalt(salt); err != nil {
		return nil, fmt.Errorf("argon2id: %w", err)
	}
	sum, err := phcEncoding.DecodeString(parts[3])
	if err != nil {
		return nil, errors.New("argon2id: the hash is not base64 without padding")
	}
	if len(sum) < minArgon2Sum || len(sum) > maxArgon2Sum {
		return nil, fmt.Errorf("argon2id: the hash has fewer than %d or more than %d bytes", minArgon2Sum, maxArgon2Sum)
	}
	return &imported{shape: shape, salt: salt, sum: sum}, nil
}

func parseArgon2Costs(text string) (Shape, error) {
	costs := strings.Split(text, ",")
	if len(costs) != 3 {
		return Shape{}, errors.New("argon2id: the costs are not m, t and p")
	}
	var values [3]uint32
	for i, limit := range []struct {
		name              string
		smallest, largest uint32
	}{{"m", 8, maxArgon2KiB}, {"t", 1, maxArgon2Passes}, {"p", 1, maxArgon2Lanes}} {
		value, named := strings.CutPrefix(costs[i], limit.name+"=")
		if !named {
			return Shape{}, errors.New("argon2id: the costs are not m, t and p")
		}
		var err error
		if values[i], err = number(value, limit.smallest, limit.largest); err != nil {
			return Shape{}, fmt.Errorf("argon2id: %s is %w", limit.name, err)
		}
	}
	shape := Shape{scheme: argon2idScheme, memory: values[0], cost: values[1], lanes: uint8(values[2])}
	if shape.memory < 8*uint32(shape.lanes) { // RFC 9106 §3.1
		return Shape{}, errors.New("argon2id: m is less than 8 times p")
	}
	return shape, nil
}

func (h *imported) matchesArgon2id(presented string) bool {
	got := argon2.IDKey([]byte(presented), h.salt, h.shape.cost, h.shape.memory, h.shape.lanes, uint32(len(h.sum)))
	return subtle.ConstantTimeCompare(got, h.sum) == 1
}
