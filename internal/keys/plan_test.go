package keys

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Times of a policy that a test can tell apart.
const (
	testEvery   = 1000 * time.Hour
	testStandby = 2 * time.Hour
	testRetain  = 25 * time.Hour
)

// life is a signing key as a plan looks at it: since is counted from testNow.
type life struct {
	alg   Algorithm
	state KeyState
	since time.Duration
}

// ringOf makes a keyring of such keys, whose ids are k0, k1 and so on. It holds
// nothing else.
func ringOf(lives ...life) *Ring {
	ring := &Ring{format: formatVersion, current: map[Algorithm]*SigningKey{}}
	for i, l := range lives {
		key := &SigningKey{ID: fmt.Sprintf("k%d", i), Algorithm: l.alg, State: l.state, Since: testNow.Add(l.since)}
		ring.signing = append(ring.signing, key)
		if l.state == Current {
			ring.current[l.alg] = key
		}
	}
	return ring
}

// crowd is a keyring that is full but for room keys.
func crowd(room int) []life {
	lives := []life{{ES256, Current, -testEvery}, {ES256, Standby, -testStandby}}
	for len(lives) < MaxSigningKeys-room {
		lives = append(lives, life{ES256, Retired, -time.Hour})
	}
	return lives
}

func TestPlan(t *testing.T) {
	t.Parallel()
	at := testNow.Add
	tests := map[string]struct {
		lives     []life
		asked     []Algorithm
		rotateNow bool
		want      Plan
	}{
		"a new keyring is as it should be, and rotates by schedule": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}},
			want:  Plan{NextRotation: at(testEvery), Next: at(testEvery)},
		},
		"it rotates in the very second that it is due": {
			lives: []life{{ES256, Current, -testEvery}, {ES256, Standby, -testEvery}},
			want:  Plan{Rotate: true, NextRotation: at(0)},
		},
		"and not in the one before": {
			lives: []life{{ES256, Current, time.Second - testEvery}, {ES256, Standby, -testEvery}},
			want:  Plan{NextRotation: at(time.Second), Next: at(time.Second)},
		},
		"after an outage it rotates once, at once": {
			lives: []life{{ES256, Current, -9 * testEvery}, {ES256, Standby, -9 * testEvery}},
			want:  Plan{Rotate: true, NextRotation: at(-8 * testEvery)},
		},
		"a standby that nobody has seen long enough holds a due rotation up": {
			lives: []life{{ES256, Current, -testEvery}, {ES256, Standby, -time.Hour}},
			want:  Plan{NextRotation: at(time.Hour), Next: at(time.Hour)},
		},
		"algorithms rotate together, when the first is due and the last is ready": {
			lives: []life{{ES256, Current, -testEvery}, {ES256, Standby, -testEvery}, {EdDSA, Current, -time.Minute}, {EdDSA, Standby, -time.Hour}},
			want:  Plan{NextRotation: at(time.Hour), Next: at(time.Hour)},
		},
		"a requested rotation does not wait for the schedule": {
			lives:     []life{{ES256, Current, -testStandby}, {ES256, Standby, -testStandby}},
			rotateNow: true,
			want:      Plan{Rotate: true, NextRotation: at(0)},
		},
		"a requested rotation waits for the standby": {
			lives:     []life{{ES256, Current, -time.Hour}, {ES256, Standby, -time.Hour}},
			rotateNow: true,
			want:      Plan{NextRotation: at(time.Hour), Next: at(time.Hour)},
		},
		"a retired key stays while a token that it signed may live": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}, {ES256, Retired, time.Second - testRetain}},
			want:  Plan{NextRotation: at(testEvery), Next: at(time.Second)},
		},
		"and goes in the second after": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}, {ES256, Retired, -testRetain}, {ES256, Revoked, -testRetain}},
			want:  Plan{Drop: []string{"k2", "k3"}, NextRotation: at(testEvery), Next: at(testEvery)},
		},
		"of several retired keys the first to go is looked after next": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}, {ES256, Retired, -time.Hour}, {ES256, Retired, -2 * time.Hour}},
			want:  Plan{NextRotation: at(testEvery), Next: at(testRetain - 2*time.Hour)},
		},
		"an algorithm that is asked for gets keys": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}},
			asked: []Algorithm{ES256, EdDSA, EdDSA},
			want:  Plan{Add: []Algorithm{EdDSA}, NextRotation: at(testEvery), Next: at(testEvery)},
		},
		"an algorithm that is asked for no more keeps its keys": {
			lives: []life{{ES256, Current, 0}, {ES256, Standby, 0}, {EdDSA, Current, 0}, {EdDSA, Standby, 0}},
			asked: []Algorithm{ES256},
			want:  Plan{NextRotation: at(testEvery), Next: at(testEvery)},
		},
		"a standby that somebody took out comes back before anything rotates": {
			lives:     []life{{ES256, Current, -testEvery}},
			rotateNow: true,
			want:      Plan{Add: []Algorithm{ES256}, NextRotation: at(0)},
		},
		"a keyring without room waits until the first old key goes": {
			lives:     crowd(0),
			rotateNow: true,
			want:      Plan{NextRotation: at(testRetain - time.Hour), Next: at(testRetain - time.Hour)},
		},
		"a keyring with room for one more key rotates": {
			lives: crowd(1),
			want:  Plan{Rotate: true, NextRotation: at(0), Next: at(testRetain - time.Hour)},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ringOf(tc.lives...).Plan(testNow, Policy{
				Algorithms: tc.asked, RotateEvery: testEvery, MinStandby: testStandby, Retain: testRetain, RotateNow: tc.rotateNow,
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if tc.want.Empty() != (len(tc.want.Add)+len(tc.want.Drop) == 0 && !tc.want.Rotate) {
				t.Error("Empty is wrong about it")
			}
		})
	}
}

func TestAPlanThatIsCarriedOutLeavesNothingToDo(t *testing.T) {
	t.Parallel()
	policy := Policy{Algorithms: []Algorithm{ES256, EdDSA}, RotateEvery: testEvery, MinStandby: testStandby, Retain: testRetain}
	ring := mustGenerate(t, ES256)
	for _, passed := range []time.Duration{0, testEvery, testEvery + testRetain, 5 * testEvery} {
		now := testNow.Add(passed)
		plan := ring.Plan(now, policy)
		if plan.Empty() {
			t.Errorf("after %s there is nothing to do", passed)
		}
		next, err := ring.Carry(rand.Reader, now, plan)
		if err != nil {
			t.Fatal(err)
		}
		if again := next.Plan(now, policy); !again.Empty() || !again.Next.After(now) {
			t.Errorf("after %s: carried out, and still to do: %+v", passed, again)
		}
		ring = next
	}
}

func mustGenerate(t testing.TB, algs ...Algorithm) *Ring {
	t.Helper()
	ring, err := Generate(rand.Reader, testNow, testTenant, algs)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}
