// Package keys holds a tenant's keyring and everything that follows from it:
// signing keys and their JWK Set, MACs, derived identifiers and credentials,
// and sealed values. It decides which key may do what; it does not know what a
// token looks like.
//
// What must not enter: the clock, the network, Kubernetes, the formats of
// tokens. Time and randomness are parameters.
//
// # The document
//
// A keyring is kept as one JSON object, final in its bytes (no white space, the
// members in this order):
//
//	{"formatVersion": 1,
//	 "tenant": {"namespace": …, "uid": …, "issuer": …},
//	 "signingKeys": [{"id": …, "algorithm": …, "state": …, "createdAt": …, "privateKey": …}],
//	 "refreshKeys": [{"version": 1, "createdAt": …, "key": …}],
//	 "recordKeys":  [as refreshKeys],
//	 "sealingKeys": [as refreshKeys]}
//
// id is the RFC 7638 SHA-256 thumbprint in base64url; algorithm is ES256, RS256
// or EdDSA; state is Current, Standby, Retired or Revoked; createdAt is RFC
// 3339 in whole seconds UTC; privateKey is PKCS #8 DER and key 32 bytes, both
// in padded base64. An algorithm has one current key, and in a keyring at least
// one algorithm has one. Versions count from 1, and the highest one makes new
// values.
//
// # Derivation
//
// No kept symmetric key is used as it is. From each, HKDF-SHA256 (RFC 5869,
// without salt) derives one 32-byte key a purpose; info is
// "grantkeeper.dev/v1/" followed by the purpose:
//
//	kept key   purpose               what it makes
//	refresh    refresh-token         the MAC in a refresh token
//	record     token-id              the jti of a grant's token
//	record     reference-token       the reference token of a grant's Secret
//	record     credential-version    cv
//	record     generated-credential  generated passwords and client secrets
//	record     login-digest          what takes the place of a password where nobody has the login
//	record     session               a key for each session's seal
//
// The sealing key is the root of the values that a browser carries; nothing in
// this package derives from it.
//
// A MAC is HMAC-SHA256 over its parts, each behind its length as 8 bytes
// big-endian. Numbers and times are parts in decimal, times in Unix seconds.
//
// # A sealed session
//
//	byte 0        format, 1
//	bytes 1–4     version of the record key, big-endian
//	bytes 5–16    nonce
//	from byte 17  AES-256-GCM of the record, its tag last
//
// The AES key is the MAC of (namespace, name) under the session key; the
// associated data are the same two parts, framed as for a MAC.
package keys
