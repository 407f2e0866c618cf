package issuing

import (
	"crypto/sha256"

	"k8s.io/utils/lru"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// Checked is an access token that was good when it was asked about. It is shared and must not be
// changed.
type Checked struct {
	Access *tokens.Access
	// Permissions are the token's acl or scopes, compiled.
	Permissions scopes.Patterns
	// User is nil where a client acts for itself. It is the user of the moment.
	User *directory.User
}

// opened is the part of a check that does not change while keyring and session stay: the
// signature or the seal is checked once per token, not once per request.
type opened struct {
	access      *tokens.Access
	permissions scopes.Patterns
	ring        *keys.Ring
	keyID       string                // empty for a reference token
	session     *v1alpha1.AuthSession // nil for a JWT
}

// checkedCapacity bounds the memory for opened tokens: about 2 KiB each.
const checkedCapacity = 8192

// checkedTokens remembers opened tokens by their digest, so that a memory dump of the cache's keys
// holds no token.
type checkedTokens struct{ cache *lru.Cache }

type tokenDigest [sha256.Size]byte

func newCheckedTokens() *checkedTokens { return &checkedTokens{lru.New(checkedCapacity)} }

func (c *checkedTokens) get(digest tokenDigest, ring *keys.Ring) (*opened, bool) {
	held, ok := c.cache.Get(digest)
	if !ok {
		return nil, false
	}
	o := held.(*opened) //nolint:forcetypeassert // nothing else is put in
	return o, o.ring == ring
}

// Remembered counts the tokens whose signature or seal need not be checked again.
func (s *Service) Remembered() int { return s.checked.cache.Len() }

func (c *checkedTokens) put(digest tokenDigest, o *opened) { c.cache.Add(digest, o) }
