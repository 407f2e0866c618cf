package passwords

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestASourceIsLockedStepByStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.fail(t, 5, alice())
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		wait := time.Duration(seconds) * time.Second
		r.locked(t, wait, alice())
		r.clock.Step(wait - time.Millisecond)
		r.locked(t, time.Millisecond, alice())
		r.clock.Step(time.Millisecond)
		r.fail(t, 1, alice())
	}
	r.clock.Step(time.Hour)
	r.fail(t, 5, alice())
	r.locked(t, time.Second, alice())
}

func TestSuccessStartsTheCountOfASourceAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for range 3 { // the first success is hashed, the others are remembered
		r.fail(t, 4, alice())
		r.pass(t, alice())
	}
	r.fail(t, 5, alice())
	r.locked(t, time.Second, alice())
	r.clock.Step(time.Second)
	r.pass(t, alice())
	r.fail(t, 5, alice())
	r.locked(t, time.Second, alice())
}

func TestTheLockoutComesBeforeTheCache(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.pass(t, alice())
	r.fail(t, 5, alice())
	r.locked(t, time.Second, alice())
}

func TestWhatALockCovers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		second Attempt
		locked bool
	}{
		"the same login from the same source":  {alice(), true},
		"the login in another case":            {alice(login("ALICE")), true},
		"not another source":                   {alice(source("198.51.100.7")), false},
		"not another login":                    {alice(login("bob")), false},
		"not the same login in another tenant": {alice(tenant("team-b")), false},
		"not a source that continues a login":  {alice(login("alice1"), source("92.0.2.1")), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.fail(t, 5, alice(login("Alice")))
			if tc.locked {
				r.locked(t, time.Second, tc.second)
			} else {
				r.pass(t, tc.second)
			}
		})
	}
}

func TestALoginThatNobodyHasIsLockedLikeAnyOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.fail(t, 5, alice(nobody))
	r.locked(t, time.Second, alice(nobody))
	r.clock.Step(time.Second)
	r.fail(t, 1, alice(nobody))
	r.locked(t, 2*time.Second, alice(nobody))
}

// attack has so many strangers fail once each.
func attack(t *testing.T, r *rig, strangers int) {
	t.Helper()
	for i := range strangers {
		r.fail(t, 1, alice(source(fmt.Sprintf("203.0.113.%d", i))))
	}
}

func TestTheCeilingHoldsForAllStrangersTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	attack(t, r, 50)
	r.locked(t, time.Minute, alice(source("a stranger")))
	r.locked(t, time.Minute, alice(login("ALICE"), source("another stranger")))
	r.clock.Step(time.Minute)
	r.fail(t, 1, alice(source("a stranger")))
	r.locked(t, time.Minute, alice(source("another stranger")))
	r.pass(t, alice(login("bob")))
	r.pass(t, alice(tenant("team-b")))
}

func TestSuccessesDoNotUseUpTheCeiling(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{CacheTTL: 1})
	for i := range 200 {
		r.clock.Step(1)
		r.pass(t, alice(source(fmt.Sprintf("10.0.0.%d", i))))
	}
}

func TestStrangersCannotLockAPersonOut(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		since time.Duration
		free  bool
	}{
		"a source that succeeded a minute ago is free":     {time.Minute, true},
		"a source that succeeded six days ago is free":     {6 * 24 * time.Hour, true},
		"a source that succeeded a week ago is a stranger": {7 * 24 * time.Hour, false},
		"a source that succeeded a month ago even more so": {30 * 24 * time.Hour, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.pass(t, alice())
			r.clock.Step(tc.since)
			attack(t, r, 50)
			if !tc.free {
				r.locked(t, time.Minute, alice())
				return
			}
			r.fail(t, 1, alice())
			r.pass(t, alice())
		})
	}
}

func TestALoginThatTheCacheAnswersMakesItsSourceFamiliar(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.pass(t, alice(source("the office")))
	r.pass(t, alice()) // remembered
	attack(t, r, 50)
	r.pass(t, alice())
	r.locked(t, time.Minute, alice(source("a stranger")))
}

func TestAFamiliarSourceHasACeilingToItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.pass(t, alice())
	// Whoever shares the source with somebody who logs in all the time
	// still gets no more than fifty guesses and one a minute.
	for range 12 {
		r.fail(t, 4, alice())
		r.pass(t, alice())
	}
	r.fail(t, 2, alice())
	r.locked(t, time.Minute, alice())
	r.pass(t, alice(source("a stranger")))
	r.clock.Step(time.Minute)
	r.pass(t, alice())
}

func TestSource(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		address netip.Addr
		want    string
	}{
		"an IPv4 address is a source":            {netip.MustParseAddr("192.0.2.1"), "192.0.2.1"},
		"written as IPv6 it is the same":         {netip.MustParseAddr("::ffff:192.0.2.1"), "192.0.2.1"},
		"an IPv6 address counts for its /64":     {netip.MustParseAddr("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"},
		"and so do its neighbours":               {netip.MustParseAddr("2001:db8:1:2::"), "2001:db8:1:2::/64"},
		"the next /64 is another source":         {netip.MustParseAddr("2001:db8:1:3::"), "2001:db8:1:3::/64"},
		"a zone does not make another source":    {netip.MustParseAddr("fe80::1%eth0"), "fe80::/64"},
		"what is no address is the empty source": {netip.Addr{}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Source(tc.address); got != tc.want {
				t.Errorf("Source(%s) = %q, want %q", tc.address, got, tc.want)
			}
		})
	}
}
