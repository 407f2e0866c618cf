package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// TokenID returns the jti of a grant's token: a UUIDv8 (RFC 9562 §5.8) that
// follows from the grant, its epoch, the second of issue and the digest of all
// else that fixes the token's bytes. Who recomputes the same id knows that
// nothing has changed since; who lacks the record key cannot foresee it.
func (r *Ring) TokenID(grantID string, epoch int64, issuedAt time.Time, inputs [32]byte) string {
	sum := r.newest.tokenID.mac(grantID, decimal(epoch), seconds(issuedAt), string(inputs[:]))
	return uuidText(sum, 8)
}

// ReferenceToken returns the reference access token of a grant's Secret. It
// has the shape of a random UUID (version 4) because that is what clients of
// reference tokens know, and comes from the same inputs as TokenID, under
// another key.
func (r *Ring) ReferenceToken(grantID string, epoch int64, issuedAt time.Time, inputs [32]byte) string {
	sum := r.newest.referenceToken.mac(grantID, decimal(epoch), seconds(issuedAt), string(inputs[:]))
	return uuidText(sum, 4)
}

// CredentialVersion returns the cv of a token that stems from a login: 8 bytes
// in base64url that change with the user's password material. They are enough
// to see a change and, without the record key, tell nothing of the password.
func (r *Ring) CredentialVersion(subject string, material []byte) string {
	sum := r.newest.credentialVersion.mac(subject, string(material))
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// HashVersion is CredentialVersion for a password of which only an imported
// hash is known: never that of a password that reads like the hash.
func (r *Ring) HashVersion(subject string, encoded []byte) string {
	sum := r.newest.credentialVersion.mac(subject, "hash", string(encoded))
	return base64.RawURLEncoding.EncodeToString(sum[:8])
}

// LoginDigest spreads logins evenly over all numbers, in a way that is the same
// on every replica and that nobody without the record key can foresee.
func (r *Ring) LoginDigest(login string) uint64 {
	sum := r.newest.loginDigest.mac(login)
	return binary.BigEndian.Uint64(sum[:8])
}

// credentialAlphabet is that of base64url: 64 characters, so that six bits of
// a MAC choose one without bias, and none that a shell or a URL would mind.
const credentialAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// GeneratedCredential returns a password or client secret of length
// characters, 6 bits of strength each. It follows from its kind, the subject
// or client_id and the second it was made, so that a lost Secret comes back as
// it was; another length gives an unrelated value rather than a prefix.
func (r *Ring) GeneratedCredential(kind, id string, generatedAt time.Time, length int) sensitive.String {
	var text strings.Builder
	for block := 0; text.Len() < length; block++ {
		sum := r.newest.generatedCredential.mac(
			kind, id, seconds(generatedAt), strconv.Itoa(length), strconv.Itoa(block))
		for _, b := range sum[:min(len(sum), length-text.Len())] {
			text.WriteByte(credentialAlphabet[b&63])
		}
	}
	return sensitive.New(text.String())
}

// RefreshMAC computes the MAC of a refresh token under one version of the
// refresh key. The error says that the keyring does not hold that version.
func (r *Ring) RefreshMAC(version int32, parts ...string) ([]byte, error) {
	key, ok := r.refreshKeys[version]
	if !ok {
		return nil, fmt.Errorf("the keyring has no version %d of the refresh key", version)
	}
	sum := key.mac(parts...)
	return sum[:], nil
}

// FormToken ties a form to the browser that it was sent to, to what it does and
// to the request that it is about: a page of somebody else's cannot know it. It
// lasts as long as the browser's id does.
func (r *Ring) FormToken(browser, action, request string) string {
	sum := r.newest.form.mac(browser, action, request)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// uuidText writes the first 16 bytes of a MAC as a UUID of the given version
// and the RFC 9562 variant.
func uuidText(sum [sha256.Size]byte, version byte) string {
	id := uuid.UUID(sum[:16])
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// seconds drops the fraction: time in everything derived is whole seconds.
func seconds(t time.Time) string { return decimal(t.Unix()) }
