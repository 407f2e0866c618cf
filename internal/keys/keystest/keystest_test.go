package keystest

import (
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

func TestTheRingIsThatOfItsTenant(t *testing.T) {
	t.Parallel()
	ring := Ring(t, "team-a", `https://auth.example.com/"<&>`)
	want := keys.Tenant{Namespace: "team-a", UID: UID, Issuer: `https://auth.example.com/"<&>`}
	if got := ring.Tenant(); got != want {
		t.Errorf("tenant %+v, want %+v", got, want)
	}
}

func TestTheNamedKeysAreInTheirStates(t *testing.T) {
	t.Parallel()
	ring := Ring(t, "team-a", "https://auth.example.com")
	for id, want := range map[string]keys.KeyState{StandbyES256: keys.Standby, RetiredES256: keys.Retired} {
		if key, ok := ring.SigningKey(id); !ok || key.State != want {
			t.Errorf("key %q: %v, want it to be %s", id, key, want)
		}
	}
	if key, ok := ring.SigningKey(RevokedES256); ok {
		t.Errorf("the revoked key is found: %v", key)
	}
}
