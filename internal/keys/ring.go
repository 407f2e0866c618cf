package keys

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// Tenant says whose keys a Ring holds.
type Tenant struct {
	// Namespace is the tenant's name and is covered by every refresh token and
	// sealed session.
	Namespace string
	// UID is the namespace's metadata.uid: a namespace made again under the
	// same name is another tenant until a person says otherwise.
	UID string
	// Issuer is the "iss" of every token, byte for byte, final from the first
	// one on.
	Issuer string
}

// Ring is the keyring of one tenant: whoever holds it can make every token of
// that tenant. It is immutable, safe for concurrent use, and has everything
// that can be derived ahead of time ready. However it is printed, it shows the
// tenant only.
type Ring struct {
	format  int // of the document that it was read from, or is to be written to
	tenant  Tenant
	signing []*SigningKey
	refresh []symmetric
	record  []symmetric
	sealing []symmetric

	current   map[Algorithm]*SigningKey
	published map[string]*SigningKey
	jwks      []byte

	refreshKeys map[int32]*macKey
	sessionKeys map[int32]*macKey
	valueKeys   map[Purpose]map[int32]*macKey
	newest      newestKeys
}

// newestKeys are what the newest version of each symmetric key gives.
type newestKeys struct {
	refresh, record     int32
	sealing             int32
	tokenID             *macKey
	referenceToken      *macKey
	credentialVersion   *macKey
	generatedCredential *macKey
	loginDigest         *macKey
	form                *macKey
}

// Generate makes the keyring of a new tenant: for each algorithm a current and
// a standby signing key, and version 1 of the refresh, record and sealing
// keys, all created now in whole seconds. The symmetric keys and Ed25519 come
// from random; ECDSA and RSA keys come from the system's generator whatever
// random is, because the standard library takes no other since Go 1.26. An RSA
// key takes a good part of a second of CPU.
func Generate(random io.Reader, now time.Time, tenant Tenant, algs []Algorithm) (*Ring, error) {
	now = wholeSecond(now)
	ring := &Ring{format: formatVersion, tenant: tenant}
	for _, alg := range algs {
		pair, err := generatePair(random, alg, now)
		if err != nil {
			return nil, err
		}
		ring.signing = append(ring.signing, pair...)
	}
	for _, list := range []*[]symmetric{&ring.refresh, &ring.record, &ring.sealing} {
		key, err := generateSymmetric(random, 1, now)
		if err != nil {
			return nil, err
		}
		*list = []symmetric{key}
	}
	return ring.prepare()
}

// generatePair makes the first two keys of an algorithm.
func generatePair(random io.Reader, alg Algorithm, now time.Time) ([]*SigningKey, error) {
	var pair []*SigningKey
	for _, state := range []KeyState{Current, Standby} {
		key, err := generateSigningKey(random, alg, state, now)
		if err != nil {
			return nil, err
		}
		pair = append(pair, key)
	}
	return pair, nil
}

// wholeSecond is a time as the document has it.
func wholeSecond(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// Tenant returns whose keys these are.
func (r *Ring) Tenant() Tenant { return r.tenant }

// Signer returns the current key of an algorithm, which alone signs. The error
// says that the tenant has none.
func (r *Ring) Signer(alg Algorithm) (*SigningKey, error) {
	key, ok := r.current[alg]
	if !ok {
		return nil, fmt.Errorf("the keyring has no current key for %q", alg)
	}
	return key, nil
}

// SigningKey finds a published key, current, standby or retired, by its id. A
// revoked one is not found, so nothing that it signed verifies.
func (r *Ring) SigningKey(id string) (*SigningKey, bool) {
	key, ok := r.published[id]
	return key, ok
}

// NewestRefresh is the version of the refresh key that new refresh tokens are
// made with.
func (r *Ring) NewestRefresh() int32 { return r.newest.refresh }

// GaveUpRefresh tells whether an emergency has taken a version of the refresh key
// away: no token of it will ever be good again. A later version than the newest
// is not given up; the keyring is only older than it.
func (r *Ring) GaveUpRefresh(version int32) bool {
	_, held := r.refreshKeys[version]
	return !held && version < r.newest.refresh
}

// SigningKeys lists every signing key: current ones first, then standby,
// retired and revoked ones, each in the order of the document.
func (r *Ring) SigningKeys() []*SigningKey {
	var all []*SigningKey
	for _, state := range append(slices.Clip(publishedStates), Revoked) {
		for _, key := range r.signing {
			if key.State == state {
				all = append(all, key)
			}
		}
	}
	return all
}

// Format implements fmt.Formatter for every verb, so that no way of printing a
// keyring reaches a key.
func (r Ring) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "Ring(%s)", r.tenant.Namespace)
}

// prepare checks the ring as a whole and computes whatever is derived from it.
func (r *Ring) prepare() (*Ring, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.current = map[Algorithm]*SigningKey{}
	r.published = map[string]*SigningKey{}
	for _, key := range r.signing {
		if key.State == Current {
			r.current[key.Algorithm] = key
		}
		if key.State != Revoked {
			r.published[key.ID] = key
		}
	}
	r.refreshKeys = deriveAll(r.refresh, purposeRefreshToken)
	r.sessionKeys = deriveAll(r.record, purposeSession)
	r.valueKeys = map[Purpose]map[int32]*macKey{}
	for _, purpose := range purposes {
		r.valueKeys[purpose] = deriveAll(r.sealing, string(purpose))
	}
	refresh, record, sealing := newestOf(r.refresh), newestOf(r.record), newestOf(r.sealing)
	r.newest = newestKeys{
		refresh:             refresh.version,
		record:              record.version,
		sealing:             sealing.version,
		tokenID:             record.derive(purposeTokenID),
		referenceToken:      record.derive(purposeReferenceToken),
		credentialVersion:   record.derive(purposeCredentialVersion),
		generatedCredential: record.derive(purposeGeneratedCredential),
		loginDigest:         record.derive(purposeLoginDigest),
		form:                sealing.derive(purposeForm),
	}
	var err error
	r.jwks, err = marshalJWKS(r.signing)
	return r, err
}

func deriveAll(list []symmetric, purpose string) map[int32]*macKey {
	derived := make(map[int32]*macKey, len(list))
	for _, key := range list {
		derived[key.version] = key.derive(purpose)
	}
	return derived
}

func newestOf(list []symmetric) symmetric {
	return slices.MaxFunc(list, func(a, b symmetric) int { return cmp.Compare(a.version, b.version) })
}
