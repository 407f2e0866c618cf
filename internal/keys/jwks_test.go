package keys

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestJWKSIsFinal(t *testing.T) {
	t.Parallel()
	var indented bytes.Buffer
	if err := json.Indent(&indented, testRing(t).JWKS(), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "jwks", indented.Bytes())
}

func TestJWKSPublishesWhatVerifiesAndNothingElse(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(ring.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	members := map[Algorithm][]string{
		ES256: {"alg", "crv", "kid", "kty", "use", "x", "y"},
		RS256: {"alg", "e", "kid", "kty", "n", "use"},
		EdDSA: {"alg", "crv", "kid", "kty", "use", "x"},
	}
	var states []KeyState
	for _, jwk := range set.Keys {
		key, ok := ring.SigningKey(jwk["kid"])
		if !ok {
			t.Fatalf("key %q is published but not believed", jwk["kid"])
		}
		if jwk["alg"] != string(key.Algorithm) || jwk["use"] != "sig" {
			t.Errorf("%v is published for %q, use %q", key, jwk["alg"], jwk["use"])
		}
		if want := members[key.Algorithm]; len(jwk) != len(want) {
			t.Errorf("%v has %d members, want %v", key, len(jwk), want)
		}
		for _, member := range members[key.Algorithm] {
			if jwk[member] == "" {
				t.Errorf("%v lacks %q", key, member)
			}
		}
		states = append(states, key.State)
	}
	want := []KeyState{Current, Current, Current, Standby, Standby, Standby, Retired}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
