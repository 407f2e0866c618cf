package keys

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Carry carries a plan out and returns the keyring as it is then. New keys, and
// keys in a new state, count from now, in whole seconds. Randomness is used as
// in Generate.
func (r *Ring) Carry(random io.Reader, now time.Time, plan Plan) (*Ring, error) {
	now = wholeSecond(now)
	next := r.changed()
	for _, key := range r.signing {
		switch {
		case slices.Contains(plan.Drop, key.ID):
		case plan.Rotate && key.State == Current && r.standby(key.Algorithm) != nil:
			next.signing = append(next.signing, key.in(Retired, now))
		case plan.Rotate && key.State == Standby:
			successor, err := generateSigningKey(random, key.Algorithm, Standby, now)
			if err != nil {
				return nil, err
			}
			next.signing = append(next.signing, key.in(Current, now), successor)
		default:
			next.signing = append(next.signing, key)
		}
	}
	for _, alg := range plan.Add {
		added, err := r.missing(random, now, alg)
		if err != nil {
			return nil, err
		}
		next.signing = append(next.signing, added...)
	}
	return next.prepare()
}

// missing makes the keys that an algorithm lacks.
func (r *Ring) missing(random io.Reader, now time.Time, alg Algorithm) ([]*SigningKey, error) {
	if r.current[alg] == nil {
		return generatePair(random, alg, now)
	}
	key, err := generateSigningKey(random, alg, Standby, now)
	return []*SigningKey{key}, err
}

// Revoke answers a keyring that has leaked. Whoever has it has the standby keys
// too, and the keys from which refresh tokens, seals and generated credentials
// follow; so nothing of it is promoted and nothing is kept: every published key
// is revoked, each algorithm gets two new ones, and the refresh, record and
// sealing keys go on in new versions, without the old ones. Every token,
// session, refresh token and generated credential made until now is dead. Keys
// that were revoked before are dropped.
func (r *Ring) Revoke(random io.Reader, now time.Time) (*Ring, error) {
	now = wholeSecond(now)
	next := r.changed()
	for _, key := range r.signing {
		if key.State != Current {
			continue
		}
		pair, err := generatePair(random, key.Algorithm, now)
		if err != nil {
			return nil, err
		}
		next.signing = append(next.signing, pair...)
	}
	for _, key := range r.signing {
		if key.State != Revoked && len(next.signing) < MaxSigningKeys {
			next.signing = append(next.signing, key.in(Revoked, now))
		}
	}
	for _, list := range []*[]symmetric{&next.refresh, &next.record, &next.sealing} {
		key, err := generateSymmetric(random, newestOf(*list).version+1, now)
		if err != nil {
			return nil, err
		}
		*list = []symmetric{key}
	}
	return next.prepare()
}

// WithUID is the keyring as that of a namespace which was made again under the
// same name, for a restore. Nothing that was derived or sealed covers the uid,
// so all of it stays good.
func (r *Ring) WithUID(uid string) (*Ring, error) {
	return r.withTenant(Tenant{Namespace: r.tenant.Namespace, UID: uid, Issuer: r.tenant.Issuer})
}

// WithIssuer is the keyring of the same tenant under another issuer. Tokens of
// the old issuer still verify here; validators elsewhere compare the issuer.
func (r *Ring) WithIssuer(issuer string) (*Ring, error) {
	return r.withTenant(Tenant{Namespace: r.tenant.Namespace, UID: r.tenant.UID, Issuer: issuer})
}

func (r *Ring) withTenant(tenant Tenant) (*Ring, error) {
	next := r.changed()
	next.format, next.tenant, next.signing = r.format, tenant, r.signing
	ring, err := next.prepare()
	if err != nil {
		return nil, fmt.Errorf("keyring of %q: %w", tenant.Namespace, err)
	}
	return ring, nil
}

// changed is the start of a keyring that follows on this one: the same tenant
// and symmetric keys, no signing key yet, and today's format.
func (r *Ring) changed() *Ring {
	return &Ring{format: formatVersion, tenant: r.tenant, refresh: r.refresh, record: r.record, sealing: r.sealing}
}
