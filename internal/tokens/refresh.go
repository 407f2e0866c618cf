package tokens

import (
	"crypto/subtle"
	"fmt"
	"math"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Refresh is what a refresh token says: which grant, and which of the grant's
// counters it was made at. Nothing is stored for it; it is made again from the
// grant whenever it is needed.
type Refresh struct {
	// GrantID is the grant's UUID in lower case.
	GrantID string
	// Epoch and Generation are the grant's counters, from 0 up: moving the
	// epoch kills every token of the grant, the generation counts rotations.
	Epoch, Generation int64
	// KeyVersion is the version of the refresh key that makes the MAC.
	KeyVersion int32
	// GrantNamespace is where the grant is, where that is not the tenant itself.
	GrantNamespace string
}

// maxRefreshLength is that of a refresh token with every number at its largest
// and the longest namespace.
const maxRefreshLength = 36 + 1 + 19 + 1 + 19 + 1 + 10 + 1 + maxNamespace + 1 + 43

// Encode writes the token:
// <grant id>.<epoch>.<generation>.<key version>.<base64url HMAC-SHA256>, with
// ".<namespace>" before the MAC where the grant is not in the tenant itself. The
// MAC covers the tenant's namespace and everything before it. The error is a
// GrantID that is no lower-case UUID, a negative counter, a GrantNamespace that
// is none, or a version that the ring does not hold.
func (r Refresh) Encode(ring *keys.Ring) (string, error) {
	if !isUUID(r.GrantID) || r.Epoch < 0 || r.Generation < 0 {
		return "", fmt.Errorf("refresh token: the grant is not a UUID with counters from 0 up")
	}
	if r.GrantNamespace != "" && !isNamespace(r.GrantNamespace) {
		return "", fmt.Errorf("refresh token: the grant's namespace is none")
	}
	token := make([]byte, 0, maxRefreshLength)
	token = append(append(token, r.GrantID...), '.')
	token = append(appendInt(token, r.Epoch), '.')
	token = append(appendInt(token, r.Generation), '.')
	token = appendInt(token, int64(r.KeyVersion))
	if r.GrantNamespace != "" {
		token = append(append(token, '.'), r.GrantNamespace...)
	}
	mac, err := r.mac(ring, string(token))
	if err != nil {
		return "", fmt.Errorf("refresh token: %w", err)
	}
	return string(compact.AppendEncode(append(token, '.'), mac)), nil
}

// ParseRefresh reads a refresh token in its one form (lower-case UUID, decimals
// without sign or leading zero, a namespace or none) and checks its MAC in constant time. Whether the
// grant exists, and stands at these counters, is the caller's to look up. Errors
// wrap one of this package's.
func ParseRefresh(ring *keys.Ring, token string) (Refresh, error) {
	last := strings.LastIndexByte(token, '.')
	if len(token) > maxRefreshLength || last < 0 {
		return Refresh{}, fmt.Errorf("%w: not a refresh token", ErrMalformed)
	}
	r, ok := parseRefreshFields(token[:last])
	if !ok {
		return Refresh{}, fmt.Errorf("%w: not a refresh token", ErrMalformed)
	}
	mac, err := r.mac(ring, token[:last])
	if err != nil {
		return Refresh{}, ErrUnknownKey
	}
	// Comparing the encoded form leaves no second spelling of the same MAC.
	var wantScratch, gotScratch [maxRefreshLength]byte
	want, got := compact.AppendEncode(wantScratch[:0], mac), append(gotScratch[:0], token[last+1:]...)
	if subtle.ConstantTimeCompare(want, got) != 1 {
		return Refresh{}, ErrSignature
	}
	return r, nil
}

func (r Refresh) mac(ring *keys.Ring, fields string) ([]byte, error) {
	return ring.RefreshMAC(r.KeyVersion, ring.Tenant().Namespace, fields)
}

func parseRefreshFields(text string) (Refresh, bool) {
	id, rest, _ := strings.Cut(text, ".")
	epoch, rest, _ := strings.Cut(rest, ".")
	generation, rest, _ := strings.Cut(rest, ".")
	version, namespace, crosses := strings.Cut(rest, ".")
	r := Refresh{GrantID: id, GrantNamespace: namespace}
	var okEpoch, okGeneration, okVersion bool
	var keyVersion int64
	r.Epoch, okEpoch = parseCanonical(epoch)
	r.Generation, okGeneration = parseCanonical(generation)
	keyVersion, okVersion = parseCanonical(version)
	r.KeyVersion = int32(min(keyVersion, math.MaxInt32))
	return r, isUUID(id) && okEpoch && okGeneration && okVersion && keyVersion <= math.MaxInt32 &&
		crosses == isNamespace(namespace)
}
