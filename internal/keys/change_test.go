package keys

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/test/golden"
)

func TestARotationPromotesEveryStandbyAndPublishesTheNext(t *testing.T) {
	t.Parallel()
	before := mustGenerate(t, ES256, EdDSA)
	now := testNow.Add(testEvery)
	after, err := before.Carry(rand.Reader, now.Add(300*time.Millisecond), Plan{Rotate: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []Algorithm{ES256, EdDSA} {
		was, next := testSigner(t, before, alg), before.standby(alg)
		if current := testSigner(t, after, alg); current.ID != next.ID || current.Since != now || current.CreatedAt != testNow {
			t.Errorf("%s: %v signs since %s, made at %s; want the standby %s, since %s", alg, current, current.Since, current.CreatedAt, next.ID, now)
		}
		if old, ok := after.SigningKey(was.ID); !ok || old.State != Retired || old.Since != now {
			t.Errorf("%s: the key that signed before is %v (found: %t)", alg, old, ok)
		}
		fresh := after.standby(alg)
		if fresh == nil || fresh.ID == was.ID || fresh.ID == next.ID || fresh.Since != now {
			t.Errorf("%s: the next standby is %v", alg, fresh)
		}
		if was.State != Current || before.standby(alg) != next {
			t.Errorf("%s: the keyring before has changed", alg)
		}
	}
	message := []byte("signed before")
	signature, err := testSigner(t, before, ES256).Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	if key, _ := after.SigningKey(testSigner(t, before, ES256).ID); key == nil || !key.Verify(message, signature) {
		t.Error("what was signed before does not verify after")
	}
	sameSymmetricKeys(t, before, after)
	readsBack(t, after)
}

func TestKeysAreAddedAndDropped(t *testing.T) {
	t.Parallel()
	before := mustGenerate(t, ES256)
	rotated, err := before.Carry(rand.Reader, testNow, Plan{Rotate: true})
	if err != nil {
		t.Fatal(err)
	}
	old := testSigner(t, before, ES256).ID
	after, err := rotated.Carry(rand.Reader, testNow, Plan{Add: []Algorithm{EdDSA}, Drop: []string{old}})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := after.SigningKey(old); ok {
		t.Error("the dropped key is still there")
	}
	if testSigner(t, after, EdDSA).Since != testNow || after.standby(EdDSA) == nil {
		t.Error("the new algorithm lacks a key")
	}
	if len(after.SigningKeys()) != 4 {
		t.Errorf("%d signing keys, want 4", len(after.SigningKeys()))
	}
	sameSymmetricKeys(t, before, after)
	readsBack(t, after)
}

func TestAMissingStandbyIsMade(t *testing.T) {
	t.Parallel()
	ring := mustGenerate(t, ES256)
	signer := testSigner(t, ring, ES256)
	without, err := ring.Carry(rand.Reader, testNow, Plan{Drop: []string{ring.standby(ES256).ID}})
	if err != nil {
		t.Fatal(err)
	}
	healed, err := without.Carry(rand.Reader, testNow, Plan{Add: []Algorithm{ES256}})
	if err != nil {
		t.Fatal(err)
	}
	if testSigner(t, healed, ES256) != signer || healed.standby(ES256) == nil {
		t.Errorf("keys %v", healed.SigningKeys())
	}
}

// Whoever has the keyring has the standby keys as well.
func TestAnEmergencyLeavesNothingOfWhatLeaked(t *testing.T) {
	t.Parallel()
	before := mustGenerate(t, ES256, EdDSA)
	now := testNow.Add(time.Hour)
	after, err := before.Revoke(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range before.SigningKeys() {
		if found, ok := after.SigningKey(key.ID); ok {
			t.Errorf("%v still verifies", found)
		}
		if bytes.Contains(after.JWKS(), []byte(key.ID)) {
			t.Errorf("%v is still published", key)
		}
	}
	for _, alg := range []Algorithm{ES256, EdDSA} {
		if testSigner(t, after, alg).Since != now || after.standby(alg) == nil {
			t.Errorf("%s lacks a new key", alg)
		}
	}
	if _, err := after.RefreshMAC(1, "part"); err == nil || after.NewestRefresh() != 2 || !after.GaveUpRefresh(1) {
		t.Error("the refresh key is not a new version, and the only one")
	}
	if before.GaveUpRefresh(1) || before.GaveUpRefresh(2) || after.GaveUpRefresh(2) {
		t.Error("a version of the refresh key that is there, or that a later keyring has, counts as given up")
	}
	sealed, err := before.SealSession(zeroes{}, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after.OpenSession("name", sealed); err == nil || !after.GaveUpSession(sealed) {
		t.Error("a session that was sealed before still opens")
	}
	later, err := after.SealSession(zeroes{}, "name", nil)
	if err != nil {
		t.Fatal(err)
	}
	if before.GaveUpSession(sealed) || before.GaveUpSession(later) || after.GaveUpSession(later) || after.GaveUpSession(sealed[:3]) {
		t.Error("a session that opens, or that a later keyring opens, counts as given up")
	}
	if after.CredentialVersion("subject", nil) == before.CredentialVersion("subject", nil) {
		t.Error("what is derived has not changed")
	}
	for i, list := range [][]symmetric{after.refresh, after.record, after.sealing} {
		if len(list) != 1 || list[0].version != 2 || list[0].createdAt != now {
			t.Errorf("list %d of symmetric keys: %d, the first of version %d", i, len(list), list[0].version)
		}
	}
	readsBack(t, after)

	again, err := after.Revoke(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	if states := statesOf(again); !cmp.Equal(states, map[KeyState]int{Current: 2, Standby: 2, Revoked: 4}) {
		t.Errorf("after a second emergency: %v", states)
	}
}

func TestAnEmergencyInAFullKeyringFits(t *testing.T) {
	t.Parallel()
	ring := mustGenerate(t, EdDSA)
	for len(ring.signing) < MaxSigningKeys {
		next, err := ring.Carry(rand.Reader, testNow, Plan{Rotate: true})
		if err != nil {
			t.Fatal(err)
		}
		ring = next
	}
	after, err := ring.Revoke(rand.Reader, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if len(after.signing) != MaxSigningKeys {
		t.Errorf("%d signing keys", len(after.signing))
	}
	readsBack(t, after)
}

func TestAKeyringUnderAnotherUIDOrIssuerMakesTheSame(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	sealed, err := ring.SealSession(zeroes{}, "name", []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func() (*Ring, error)
		want   Tenant
	}{
		"another uid":    {func() (*Ring, error) { return ring.WithUID("uid-2") }, Tenant{Namespace: "NAMESPACE", UID: "uid-2", Issuer: "ISSUER"}},
		"another issuer": {func() (*Ring, error) { return ring.WithIssuer("https://new") }, Tenant{Namespace: "NAMESPACE", UID: "UID", Issuer: "https://new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			moved, err := tc.change()
			if err != nil {
				t.Fatal(err)
			}
			if moved.Tenant() != tc.want || !bytes.Equal(moved.JWKS(), ring.JWKS()) {
				t.Errorf("tenant %+v, want %+v with the same keys", moved.Tenant(), tc.want)
			}
			if opened, err := moved.OpenSession("name", sealed); err != nil || string(opened) != "record" {
				t.Errorf("the sealed session: %q, %v", opened, err)
			}
			if moved.TokenID(testGrant, 1, testNow, [32]byte{}) != ring.TokenID(testGrant, 1, testNow, [32]byte{}) ||
				moved.GeneratedCredential("kind", "id", testNow, 32).Reveal() != ring.GeneratedCredential("kind", "id", testNow, 32).Reveal() {
				t.Error("what is derived has changed")
			}
			sameSymmetricKeys(t, ring, moved)
			if moved.format != formatWithoutSince {
				t.Error("the format has changed, though no key has")
			}
			readsBack(t, moved)
		})
	}
	if _, err := ring.WithUID(""); err == nil {
		t.Error("a keyring without a uid was made")
	}
}

// A keyring of format 1 is written as format 2 once its keys change, and nothing of it is lost.
func TestAKeyringOfFormat1TakesOnFormat2WhenItsKeysChange(t *testing.T) {
	t.Parallel()
	old := testRing(t)
	for _, key := range old.SigningKeys() {
		if key.Since != key.CreatedAt {
			t.Errorf("%v: in its state since %s, made at %s", key, key.Since, key.CreatedAt)
		}
	}
	var retired string
	for _, key := range old.SigningKeys() {
		if key.State == Retired {
			retired = key.ID
		}
	}
	changed, err := old.Carry(zeroes{}, testNow, Plan{Drop: []string{retired}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := changed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "keyring-format-2", data)
	readsBack(t, changed)
}

func TestAChangeFailsWithoutRandomness(t *testing.T) {
	t.Parallel()
	ring := mustGenerate(t, EdDSA)
	broken := iotest.ErrReader(errors.New("no entropy"))
	for name, change := range map[string]func() (*Ring, error){
		"a rotation":        func() (*Ring, error) { return ring.Carry(broken, testNow, Plan{Rotate: true}) },
		"a first pair":      func() (*Ring, error) { return ring.Carry(broken, testNow, Plan{Add: []Algorithm{"none"}}) },
		"a missing standby": func() (*Ring, error) { return ring.Carry(broken, testNow, Plan{Add: []Algorithm{EdDSA}}) },
		"an emergency":      func() (*Ring, error) { return ring.Revoke(broken, testNow) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if changed, err := change(); err == nil {
				t.Errorf("made %v", changed.SigningKeys())
			}
		})
	}
}

func statesOf(ring *Ring) map[KeyState]int {
	states := map[KeyState]int{}
	for _, key := range ring.SigningKeys() {
		states[key.State]++
	}
	return states
}

func sameSymmetricKeys(t *testing.T, a, b *Ring) {
	t.Helper()
	of := func(r *Ring) [][]symmetric { return [][]symmetric{r.refresh, r.record, r.sealing} }
	if !cmp.Equal(of(a), of(b), cmp.AllowUnexported(symmetric{})) {
		t.Error("the symmetric keys differ")
	}
}

// readsBack holds that a keyring is one that Decode takes, and comes back as it was.
func readsBack(t *testing.T, ring *Ring) {
	t.Helper()
	data, err := ring.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Encode()
	if err != nil || !bytes.Equal(data, again) || !bytes.Equal(ring.JWKS(), back.JWKS()) {
		t.Errorf("another keyring came back (%v)", err)
	}
}
