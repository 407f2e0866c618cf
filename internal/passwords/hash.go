package passwords

import (
	"context"
	"fmt"
	"io"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// saltSize is how many random bytes go into a new hash (RFC 9106 §3.1).
const saltSize = 16

// Hash makes the hash by which a new password is known from now on: argon2id at
// the cost of every other one, in the encoding that Hashed reads. It takes a
// worker of the tenant as an attempt does, so the error is ErrOverloaded, that
// of ctx, or that of the randomness. No error holds the password.
func (v *Verifier) Hash(ctx context.Context, tenant string, password sensitive.String) (sensitive.String, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(v.random, salt); err != nil {
		return sensitive.String{}, fmt.Errorf("reading randomness for a salt: %w", err)
	}
	lane, err := v.pool.enter(tenant)
	if err != nil {
		return sensitive.String{}, err
	}
	defer v.pool.leave(lane)
	var sum []byte
	if err := v.pool.run(ctx, lane, false, func() { sum = argon2id([]byte(password.Reveal()), salt) }); err != nil {
		return sensitive.String{}, fmt.Errorf("waiting for a worker: %w", err)
	}
	return sensitive.New(fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s",
		hashKiB, hashPasses, hashLanes, phcEncoding.EncodeToString(salt), phcEncoding.EncodeToString(sum))), nil
}
