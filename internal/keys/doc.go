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
//	{"formatVersion": 2,
//	 "tenant": {"namespace": …, "uid": …, "issuer": …},
//	 "signingKeys": [{"id": …, "algorithm": …, "state": …, "createdAt": …, "since": …, "privateKey": …}],
//	 "refreshKeys": [{"version": 1, "createdAt": …, "key": …}],
//	 "recordKeys":  [as refreshKeys],
//	 "sealingKeys": [as refreshKeys]}
//
// id is the RFC 7638 SHA-256 thumbprint in base64url; algorithm is ES256, RS256
// or EdDSA; state is Current, Standby, Retired or Revoked; createdAt and since,
// when the key came into its state, are RFC 3339 in whole seconds UTC;
// privateKey is PKCS #8 DER and key 32 bytes, both in padded base64. An
// algorithm has one current key and at most one standby, and in a keyring at
// least one algorithm has one. Versions count from 1, and the highest one makes
// new values.
//
// In format 1 there is no since, and a key has had its state since createdAt. A
// keyring of format 1 is read, and written so until its keys change.
//
// # A key's life
//
// Every algorithm has a current and a standby key, both published. A rotation
// makes the standby current and the current retired, and publishes the next
// standby (Plan, Carry). It comes by schedule or on request, and never before
// every standby has been published for as long as a copy of the key set may be
// old, so that nobody meets a signature before its key. A retired key goes when
// the last token that it can have signed has expired. All of it follows from
// the times in the document and the time it is asked at; only the bytes of new
// keys do not.
//
// An emergency (Revoke) replaces everything at once, the standby too: whoever
// read the keyring has that as well.
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
//	sealing    authorization-code    a key for each authorization code's seal
//	sealing    browser-session       a key for each browser cookie's seal
//	sealing    form                  what ties a form to the browser that it was sent to
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
//
// # A sealed value
//
//	bytes 0–4     format and version of the sealing key, as above
//	bytes 5–20    salt
//	from byte 21  nonce and ciphertext, as above
//
// The salt stands where a session has its name, and the key derived for the
// value's purpose where it has the session key.
package keys
