package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	sealFormat     = 1
	sealHeaderSize = 1 + 4 // format, version of the key
	saltSize       = 16
	nonceSize      = 12
	tagSize        = 16
)

// errSealed says no more than that: why a sealed value does not open is of use
// only to whoever made it up.
var errSealed = errors.New("the sealed value does not open under this keyring")

// Purpose says what a sealed value is for. It opens for no other.
type Purpose string

// The purposes of values that a browser carries.
const (
	// AuthorizationCode is what a client redeems for tokens (RFC 6749 §4.1).
	AuthorizationCode Purpose = "authorization-code"
	// BrowserSession is the cookie by which a browser is known again.
	BrowserSession Purpose = "browser-session"
)

// purposes are all of them: each has its keys from the start.
var purposes = []Purpose{AuthorizationCode, BrowserSession}

// SealSession encrypts the record of a session that will be kept under name.
// It opens again only in the same namespace and under the same name, so that
// sealed records cannot be exchanged. random gives the 12-byte nonce.
func (r *Ring) SealSession(random io.Reader, name string, plaintext []byte) ([]byte, error) {
	return r.seal(r.sessionKeys, r.newest.record, random, name, plaintext)
}

// OpenSession decrypts what SealSession made. The error is the same for a
// wrong name, a foreign tenant, a changed byte and a version of the record key
// that the keyring does not hold.
func (r *Ring) OpenSession(name string, sealed []byte) ([]byte, error) {
	return r.open(r.sessionKeys, name, sealed)
}

// SealValue encrypts a value that is kept nowhere and comes back from outside.
// It opens in the same namespace for the same purpose. In the place of a name
// it has a salt: random gives that, 16 bytes, and then the nonce. How long the
// value is good has to stand in it.
func (r *Ring) SealValue(random io.Reader, purpose Purpose, plaintext []byte) ([]byte, error) {
	var salt [saltSize]byte
	if _, err := io.ReadFull(random, salt[:]); err != nil {
		return nil, fmt.Errorf("reading a salt: %w", err)
	}
	sealed, err := r.seal(r.valueKeys[purpose], r.newest.sealing, random, string(salt[:]), plaintext)
	if err != nil {
		return nil, err
	}
	return slices.Insert(sealed, sealHeaderSize, salt[:]...), nil
}

// OpenValue decrypts what SealValue made. The error is the same whatever is
// wrong with it.
func (r *Ring) OpenValue(purpose Purpose, value []byte) ([]byte, error) {
	const end = sealHeaderSize + saltSize
	if len(value) < end {
		return nil, errSealed
	}
	sealed := slices.Concat(value[:sealHeaderSize], value[end:])
	return r.open(r.valueKeys[purpose], string(value[sealHeaderSize:end]), sealed)
}

// seal encrypts under the key that one version of a derived key gives a name.
func (r *Ring) seal(versions map[int32]*macKey, version int32, random io.Reader, name string, plaintext []byte) ([]byte, error) {
	aead, err := r.aead(versions, version, name)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, sealHeaderSize+nonceSize, sealHeaderSize+saltSize+nonceSize+len(plaintext)+tagSize)
	sealed[0] = sealFormat
	binary.BigEndian.PutUint32(sealed[1:], uint32(version))
	nonce := sealed[sealHeaderSize:]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("reading a nonce: %w", err)
	}
	return aead.Seal(sealed, nonce, plaintext, r.sealedData(name)), nil
}

func (r *Ring) open(versions map[int32]*macKey, name string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeaderSize+nonceSize+tagSize || sealed[0] != sealFormat {
		return nil, errSealed
	}
	aead, err := r.aead(versions, int32(binary.BigEndian.Uint32(sealed[1:])), name)
	if err != nil {
		return nil, err
	}
	nonce, ciphertext := sealed[sealHeaderSize:sealHeaderSize+nonceSize], sealed[sealHeaderSize+nonceSize:]
	plaintext, err := aead.Open(nil, nonce, ciphertext, r.sealedData(name))
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

// aead makes AES-256-GCM under a key that belongs to this one name. Random
// nonces under a single key would allow a tenant 2³² seals in its life (NIST SP
// 800-38D §8.3); a key per name, or per salt, takes that limit away.
func (r *Ring) aead(versions map[int32]*macKey, version int32, name string) (cipher.AEAD, error) {
	key, ok := versions[version]
	if !ok {
		return nil, errSealed
	}
	own := key.mac(r.tenant.Namespace, name)
	block, err := aes.NewCipher(own[:])
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher of a seal: %w", err)
	}
	return cipher.NewGCM(block)
}

// sealedData is what a seal is bound to besides its key.
func (r *Ring) sealedData(name string) []byte { return appendFrames(nil, r.tenant.Namespace, name) }
