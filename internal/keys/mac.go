package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// macKey is a key derived for one purpose. It is a type of its own so that a
// kept key cannot stand where a derived one belongs. It is safe for concurrent
// use.
type macKey struct {
	secret []byte
	// states are idle *macState. A keyed hash that is used again costs neither
	// an allocation nor the two compressions that absorb the key.
	states sync.Pool
}

type macState struct {
	keyed   hash.Hash
	message []byte
}

// mac is the one way in which this package computes a MAC: HMAC-SHA256 over
// framed parts.
func (k *macKey) mac(parts ...string) [sha256.Size]byte {
	state, ok := k.states.Get().(*macState)
	if !ok {
		state = &macState{keyed: hmac.New(sha256.New, k.secret)}
	}
	defer k.states.Put(state)
	state.keyed.Reset()
	state.message = appendFrames(state.message[:0], parts...)
	state.keyed.Write(state.message)
	clear(state.message) // a part may be a password
	state.message = state.keyed.Sum(state.message[:0])
	return [sha256.Size]byte(state.message)
}

// appendFrames puts the length of every part, 8 bytes big-endian, before it, so
// that no two lists of parts give the same bytes.
func appendFrames(dst []byte, parts ...string) []byte {
	for _, part := range parts {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(part)))
		dst = append(dst, part...)
	}
	return dst
}
