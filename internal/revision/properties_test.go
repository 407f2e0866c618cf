package revision_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"testing/quick"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

// Two deciders whose clocks and caches differ, but which look at the same token
// within the same round, make the same next one.
func TestDecidersOfOneRoundAgree(t *testing.T) {
	t.Parallel()
	property := func(ttlSeconds uint16, rounds uint8, one, other uint64) bool {
		a := ask(func(a *revision.Ask) { a.TTL = 3*time.Second + time.Duration(ttlSeconds)*time.Second })
		first := issued(a, 1, epoch, currentKey)
		round := a.TTL - revision.RenewBefore(a.TTL, 0, 0)
		begin := renewal(a, first).Add(time.Duration(rounds) * round)
		late := func(pick uint64) time.Time { return begin.Add(time.Duration(pick % uint64(round))) }
		x := revision.Decide(input(a, found(first)), late(one))
		y := revision.Decide(input(a, recorded(first)), late(other))
		return x.Action == revision.ActionIssue && x == y
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// FuzzDecide holds what is true of every decision.
func FuzzDecide(f *testing.F) {
	f.Add(int64(3600), int64(0), int64(0), int64(2400), int64(0), uint8(1))
	f.Add(int64(3600), int64(1200), int64(1800), int64(1799), int64(0), uint8(3))
	f.Add(int64(2), int64(1), int64(0), int64(1e9), int64(77), uint8(0xff))
	f.Add(int64(-1), int64(-1), int64(-1), int64(-1), int64(-1), uint8(0))
	f.Fuzz(func(t *testing.T, ttl, before, end, passed, nanos int64, facts uint8) {
		const century = 100 * 365 * 24 * 3600
		a := ask(func(a *revision.Ask) { a.TTL = time.Duration(ttl%century) * time.Second })
		if facts&1 != 0 {
			a.NotAfter = after(time.Duration(end%century) * time.Second)
		}
		in := input(a, func(in *revision.Input) { in.RenewBefore = time.Duration(before%century) * time.Second })
		last := issued(a, 5, epoch, []string{currentKey, revokedKey}[facts>>1&1])
		if facts&4 != 0 {
			in.Found = last
		}
		if facts&8 != 0 {
			in.Recorded = last
		}
		if facts&16 != 0 {
			revoked(last.ID)(in)
		}
		now := after(time.Duration(passed%century)*time.Second + time.Duration(nanos%int64(time.Second)))
		checkDecision(t, in, now, revision.Decide(in, now))
	})
}

func checkDecision(t *testing.T, in *revision.Input, now time.Time, d revision.Decision) {
	t.Helper()
	token := d.Token
	switch d.Action {
	case revision.ActionRefuse:
		if token != (revision.Token{}) || d.HasRenewal {
			t.Fatalf("refused, but %+v", d)
		}
		return
	case revision.ActionIssue:
		if token.IssuedAt.After(now) || token.Expired(now) || token.KeyID != currentKey {
			t.Fatalf("at %s a token was issued that is not good: %+v", now, token)
		}
	case revision.ActionKeep, revision.ActionRestore:
		if token.ID != tokenID(epoch, in.Ask.Digest(epoch)) {
			t.Fatalf("%s left a token that nobody asked for", d.Action)
		}
	default:
		t.Fatalf("unknown action %q", d.Action)
	}
	if in.Revoked(token.ID) || !in.KeyUsable(token.KeyID) || token.Expired(now) {
		t.Fatalf("%s left a dead token at %s: %+v", d.Action, now, token)
	}
	if bound := in.Ask.NotAfter; !bound.IsZero() && token.ExpiresAt.After(bound) {
		t.Fatalf("the token outlives NotAfter %s: %+v", bound, token)
	}
	if d.HasRenewal && (!d.RenewalTime.Before(token.ExpiresAt) || !d.RenewalTime.After(token.IssuedAt)) {
		t.Fatalf("due at %s: %+v", d.RenewalTime, token)
	}
	if token.Revision < 1 {
		t.Fatalf("revision %d", token.Revision)
	}
}

// dice are thrown the same way in every run.
type dice [sha256.Size]byte

func (d *dice) below(n uint64) uint64 {
	*d = sha256.Sum256(d[:])
	return binary.BigEndian.Uint64(d[:8]) % n
}

// cluster is a grant's Secret and status under a controller that may die
// between any two writes, and people who delete things.
type cluster struct {
	secret, status *revision.Token
}

// reconcile carries the decision out, but for the writes after the controller's
// death: 0 is before the Secret, 1 before status, more is never.
func (c *cluster) reconcile(in *revision.Input, now time.Time, death uint64) {
	in.Found, in.Recorded = c.secret, c.status
	d := revision.Decide(in, now)
	if d.Action == revision.ActionRefuse || death == 0 {
		return
	}
	c.secret = &d.Token
	if death != 1 {
		c.status = &d.Token
	}
}

// lose takes one of the copies away, as long as the other one is the same:
// what neither knows cannot be known.
func (c *cluster) lose(d *dice) {
	if c.secret == nil || c.status == nil || c.secret.ID != c.status.ID {
		return
	}
	switch d.below(6) {
	case 0:
		c.secret = nil
	case 1:
		c.status = nil
	}
}

// Over weeks of crashes and deletions a revision means one token, numbers and
// iat never fall, and no mounted token is past its exp.
func TestLongRunUnderCrashes(t *testing.T) {
	t.Parallel()
	for seed := range byte(50) {
		d := dice{seed}
		c, now, death := &cluster{}, epoch, uint64(2)
		c.reconcile(input(ask()), now, death)
		tokens, last := map[int64]string{}, *c.secret
		for range 2000 {
			now = now.Add(time.Duration(d.below(uint64(9 * time.Minute))))
			c.lose(&d)
			death = d.below(4) + (1-min(death, 1))*2 // one round is missed, never two
			c.reconcile(input(ask()), now, death)
			if c.secret == nil {
				continue
			}
			held := *c.secret
			if held.Revision < last.Revision || held.IssuedAt.Before(last.IssuedAt) {
				t.Fatalf("seed %d: %+v follows %+v", seed, held, last)
			}
			if known, ok := tokens[held.Revision]; ok && known != held.ID {
				t.Fatalf("seed %d: revision %d is two tokens", seed, held.Revision)
			}
			if held.Expired(now) {
				t.Fatalf("seed %d: the mounted token expired at %s, now is %s", seed, held.ExpiresAt, now)
			}
			tokens[held.Revision], last = held.ID, held
		}
		if len(tokens) < 150 {
			t.Fatalf("seed %d: %d revisions in six days of an hour each", seed, len(tokens))
		}
	}
}
