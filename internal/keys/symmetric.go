package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"time"
)

// keySize is the length in bytes of every symmetric key, kept or derived.
const keySize = 32

// symmetric is one version of a symmetric key as the keyring keeps it. It is
// never used itself; what is used are the keys derived from it, one a purpose.
type symmetric struct {
	version   int32
	createdAt time.Time // whole seconds UTC
	secret    [keySize]byte
}

func generateSymmetric(random io.Reader, version int32, createdAt time.Time) (symmetric, error) {
	key := symmetric{version: version, createdAt: createdAt}
	if _, err := io.ReadFull(random, key.secret[:]); err != nil {
		return symmetric{}, fmt.Errorf("generating a symmetric key: %w", err)
	}
	return key, nil
}

// derivationPrefix stands before the purpose in every HKDF info (RFC 5869
// §3.2). Changing it, or a purpose, changes every value ever derived.
const derivationPrefix = "grantkeeper.dev/v1/"

// The purposes, each with a key of its own so that no value made for one can
// serve as another.
const (
	purposeRefreshToken        = "refresh-token"
	purposeTokenID             = "token-id"
	purposeReferenceToken      = "reference-token"
	purposeCredentialVersion   = "credential-version"
	purposeGeneratedCredential = "generated-credential"
	purposeLoginDigest         = "login-digest"
	purposeSession             = "session"
	purposeForm                = "form"
)

// derive makes the key of one purpose. HKDF-SHA256 fails only for outputs
// above 8160 bytes or for a hash that FIPS mode refuses, neither of which a
// caller could bring about.
func (s symmetric) derive(purpose string) *macKey {
	key, err := hkdf.Key(sha256.New, s.secret[:], nil, derivationPrefix+purpose, keySize)
	if err != nil {
		panic(fmt.Sprintf("keys: deriving the key for %q: %v", purpose, err))
	}
	return &macKey{secret: key}
}
