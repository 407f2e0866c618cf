package keys

import (
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// JWKS returns the tenant's public keys as a JWK Set (RFC 7517 §5): current,
// then standby, then retired ones. It was computed once; the caller must not
// change it. Equal keyrings give equal bytes, so every replica serves the same.
func (r *Ring) JWKS() []byte { return r.jwks }

// publishedStates are the published states in the order of the JWK Set. The
// current keys stand first for the validators that try keys in turn.
var publishedStates = []KeyState{Current, Standby, Retired}

func marshalJWKS(signing []*SigningKey) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, state := range publishedStates {
		for _, key := range signing {
			if key.State == state {
				set.Keys = append(set.Keys, jose.JSONWebKey{
					Key: key.Public(), KeyID: key.ID, Algorithm: string(key.Algorithm), Use: "sig",
				})
			}
		}
	}
	data, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("encoding the JWK set: %w", err)
	}
	return data, nil
}
