package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	sealFormat     = 1
	sealHeaderSize = 1 + 4 // format, version of the record key
	nonceSize      = 12
	tagSize        = 16
)

// errSealed says no more than that: why a sealed value does not open is of use
// only to whoever made it up.
var errSealed = errors.New("the sealed session does not open under this keyring and name")

// SealSession encrypts the record of a session that will be kept under name.
// It opens again only in the same namespace and under the same name, so that
// sealed records cannot be exchanged. random gives the 12-byte nonce.
func (r *Ring) SealSession(random io.Reader, name string, plaintext []byte) ([]byte, error) {
	aead, err := r.sessionAEAD(r.newest.record, name)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, sealHeaderSize+nonceSize, sealHeaderSize+nonceSize+len(plaintext)+tagSize)
	sealed[0] = sealFormat
	binary.BigEndian.PutUint32(sealed[1:], uint32(r.newest.record))
	nonce := sealed[sealHeaderSize:]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("reading a nonce: %w", err)
	}
	return aead.Seal(sealed, nonce, plaintext, r.sessionData(name)), nil
}

// OpenSession decrypts what SealSession made. The error is the same for a
// wrong name, a foreign tenant, a changed byte and a version of the record key
// that the keyring does not hold.
func (r *Ring) OpenSession(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeaderSize+nonceSize+tagSize || sealed[0] != sealFormat {
		return nil, errSealed
	}
	aead, err := r.sessionAEAD(int32(binary.BigEndian.Uint32(sealed[1:])), name)
	if err != nil {
		return nil, err
	}
	nonce, ciphertext := sealed[sealHeaderSize:sealHeaderSize+nonceSize], sealed[sealHeaderSize+nonceSize:]
	plaintext, err := aead.Open(nil, nonce, ciphertext, r.sessionData(name))
	if err != nil {
		return nil, errSealed
	}
	return plaintext, nil
}

// GaveUpSession tells, without opening it, whether an emergency has taken the
// record key away that a session was sealed with. It will never open again.
func (r *Ring) GaveUpSession(sealed []byte) bool {
	if len(sealed) < sealHeaderSize {
		return false
	}
	version := int32(binary.BigEndian.Uint32(sealed[1:]))
	_, held := r.sessionKeys[version]
	return !held && version < r.newest.record
}

// sessionAEAD makes AES-256-GCM under a key that belongs to this one session.
// Random nonces under a single key would allow a tenant 2³² sessions in its
// life (NIST SP 800-38D §8.3); a key per name takes that limit away.
func (r *Ring) sessionAEAD(version int32, name string) (cipher.AEAD, error) {
	key, ok := r.sessionKeys[version]
	if !ok {
		return nil, errSealed
	}
	sessionKey := key.mac(r.tenant.Namespace, name)
	block, err := aes.NewCipher(sessionKey[:])
	if err != nil {
		return nil, fmt.Errorf("preparing the session cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// sessionData is what a sealed session is bound to besides its key.
func (r *Ring) sessionData(name string) []byte { return appendFrames(nil, r.tenant.Namespace, name) }
