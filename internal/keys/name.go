package keys

import (
	"crypto/sha256"
	"encoding/base32"
)

// nameEncoding is base32hex in lower case without padding (RFC 4648 §7): it
// keeps to the alphabet of a DNS label, and to the order of the digests.
var nameEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// Name makes an object name that is a digest: 52 characters, the SHA-256 of
// purpose and parts, each framed by its length. Objects made over HTTP are
// named so because then creating one is the lock: etcd refuses the second.
// Nothing secret protects the name, so a part that is a credential must be too
// random to be guessed.
func Name(purpose string, parts ...string) string {
	sum := digest(purpose, parts)
	return nameEncoding.EncodeToString(sum[:])
}

// NameID is Name where a UUID is wanted (version 8, RFC 9562 §5.8): 122 bits of
// the same digest.
func NameID(purpose string, parts ...string) string { return uuidText(digest(purpose, parts), 8) }

func digest(purpose string, parts []string) [sha256.Size]byte {
	return sha256.Sum256(appendFrames(appendFrames(nil, purpose), parts...))
}
