package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm is the JWS "alg" of a signing key (RFC 7518 §3.1, RFC 8037 §3.1).
// A key has exactly one and signs with no other, which is what makes algorithm
// confusion impossible.
type Algorithm string

// The algorithms a tenant can advertise.
const (
	// ES256 is ECDSA on P-256 with SHA-256, made deterministic by RFC 6979.
	ES256 Algorithm = "ES256"
	// RS256 is RSASSA-PKCS1-v1_5 with SHA-256, which is deterministic by nature.
	RS256 Algorithm = "RS256"
	// EdDSA is Ed25519, which is deterministic by nature.
	EdDSA Algorithm = "EdDSA"
)

// KeyState is where a signing key stands in its life.
type KeyState string

// The states of a signing key. All but Revoked are published and verify.
const (
	// Current is the one key of its algorithm that signs.
	Current KeyState = "Current"
	// Standby is published ahead of its use, so that no validator meets a
	// token before it has met the key.
	Standby KeyState = "Standby"
	// Retired signs no more, but tokens that it signed may still be alive.
	Retired KeyState = "Retired"
	// Revoked is kept only as a memory: it is neither published nor believed.
	Revoked KeyState = "Revoked"
)

// rsaBits is the size of RSA keys that Generate makes and the smallest that
// Decode accepts (RFC 7518 §3.3).
const rsaBits = 2048

// SigningKey is one asymmetric key of a Ring. Treat it as immutable: a Ring is
// shared between goroutines and so are its keys. However it is printed, it
// shows its id, algorithm and state, never the private part.
type SigningKey struct {
	// ID is the RFC 7638 SHA-256 thumbprint of the public key in base64url: the
	// "kid", which therefore cannot be claimed by another key.
	ID string
	// Algorithm is the only one that the key signs and verifies with.
	Algorithm Algorithm
	// State decides whether the key signs, verifies and is published.
	State KeyState
	// CreatedAt is when the key was generated, in whole seconds UTC.
	CreatedAt time.Time
	// Since is when the key came into its state, in whole seconds UTC: how long
	// it has been published, has signed, or has been of no use follows from it.
	Since time.Time

	private crypto.Signer
	public  crypto.PublicKey
	der     []byte // PKCS #8, exactly as stored, so that Encode gives back what Decode read
}

// Public returns the public half: *ecdsa.PublicKey, *rsa.PublicKey or
// ed25519.PublicKey. The caller must not change it.
func (k *SigningKey) Public() crypto.PublicKey { return k.public }

// Sign returns the JWS signature of message (RFC 7518 §3.3, §3.4, RFC 8037
// §3.1): for ES256 the 64 bytes r‖s. The same key and message always give the
// same signature, on which idempotent issuing rests. Any state may sign; that
// only the current key should is the business of Ring.Signer.
func (k *SigningKey) Sign(message []byte) ([]byte, error) {
	var signature []byte
	var err error
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		signature, err = signES256(private, message)
	case *rsa.PrivateKey:
		digest := sha256.Sum256(message)
		signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, message)
	}
	if err != nil {
		return nil, fmt.Errorf("signing with key %q: %w", k.ID, err)
	}
	return signature, nil
}

// Verify reports whether signature is one of message under this key, in the
// same encoding that Sign returns.
func (k *SigningKey) Verify(message, signature []byte) bool {
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		return verifyES256(public, message, signature)
	case *rsa.PublicKey:
		digest := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	default:
		return false
	}
}

// Format implements fmt.Formatter for every verb, so that no way of printing a
// key reaches its private part.
func (k SigningKey) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "SigningKey(%s %s %s)", k.ID, k.Algorithm, k.State)
}

// in is the same key in another state.
func (k *SigningKey) in(state KeyState, since time.Time) *SigningKey {
	moved := *k
	moved.State, moved.Since = state, since
	return &moved
}

// newSigningKey builds a key from its PKCS #8 form and gives it its id. It has
// had its state since it was made.
func newSigningKey(alg Algorithm, state KeyState, createdAt time.Time, der []byte) (*SigningKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		// The parser's own words may quote what it read.
		return nil, errors.New("not a PKCS #8 private key")
	}
	private, err := signerFor(alg, parsed)
	if err != nil {
		return nil, err
	}
	key := &SigningKey{
		Algorithm: alg, State: state, CreatedAt: createdAt, Since: createdAt,
		private: private, public: private.Public(), der: der,
	}
	key.ID, err = thumbprint(key.public)
	return key, err
}

// signerFor accepts a private key only where it is of the type, curve and size
// that its algorithm asks for.
func signerFor(alg Algorithm, private any) (crypto.Signer, error) {
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		if alg == ES256 && key.Curve == elliptic.P256() {
			return key, nil
		}
	case *rsa.PrivateKey:
		if alg == RS256 && key.N.BitLen() >= rsaBits {
			return key, nil
		}
	case ed25519.PrivateKey:
		if alg == EdDSA {
			return key, nil
		}
	}
	return nil, fmt.Errorf("not a key for %s (ES256: P-256; RS256: RSA of %d bits or more; EdDSA: Ed25519)", alg, rsaBits)
}

// thumbprint computes the RFC 7638 thumbprint that serves as key id.
func thumbprint(public crypto.PublicKey) (string, error) {
	jwk := jose.JSONWebKey{Key: public}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("computing the thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// generateSigningKey makes a new key, at a whole second.
func generateSigningKey(random io.Reader, alg Algorithm, state KeyState, now time.Time) (*SigningKey, error) {
	der, err := generatePrivate(random, alg)
	if err != nil {
		return nil, err
	}
	key, err := newSigningKey(alg, state, now, der)
	if err != nil {
		return nil, fmt.Errorf("generating a key for %s: %w", alg, err)
	}
	return key, nil
}

// generatePrivate makes the PKCS #8 form of a new key. Since Go 1.26 ECDSA and
// RSA generation use the system's generator whatever reader they are given.
func generatePrivate(random io.Reader, alg Algorithm) ([]byte, error) {
	var private any
	var err error
	switch alg {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), random)
	case RS256:
		private, err = rsa.GenerateKey(random, rsaBits)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(random)
	default:
		return nil, fmt.Errorf("unknown signing algorithm %q", alg)
	}
	if err != nil {
		return nil, fmt.Errorf("generating a key for %s: %w", alg, err)
	}
	return x509.MarshalPKCS8PrivateKey(private)
}
