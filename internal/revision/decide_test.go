package revision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

// outcome is the part of a Decision that a table can spell out.
type outcome struct {
	Action revision.Action
	Reason revision.Reason
	Token  revision.Token
}

type decideCase struct {
	in   *revision.Input
	now  time.Time
	want outcome
}

func runDecide(t *testing.T, cases map[string]decideCase) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := revision.Decide(tc.in, tc.now)
			if diff := cmp.Diff(tc.want, outcome{got.Action, got.Reason, got.Token}); diff != "" {
				t.Errorf("Decide (-want +got):\n%s", diff)
			}
			if got.Message == "" {
				t.Error("Decide gave no message")
			}
		})
	}
}

func refused(reason revision.Reason) outcome {
	return outcome{Action: revision.ActionRefuse, Reason: reason}
}

func TestDecideKeepsAndRestores(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 7, epoch, currentKey)
	old := issued(a, 7, epoch, replacedKey)
	lost := *first
	lost.Revision = 0
	forged := *first
	forged.ExpiresAt = after(1000 * time.Hour)
	byHand := *first
	byHand.Revision = 1 << 53
	final := ask(notAfter(after(30 * time.Minute)))
	last := issued(final, 3, epoch, currentKey)
	faraway := ask(notAfter(after(9000 * time.Hour)))
	keep := func(want revision.Token) outcome {
		return outcome{revision.ActionKeep, revision.ReasonUpToDate, want}
	}
	restore := func(want revision.Token) outcome {
		return outcome{revision.ActionRestore, revision.ReasonSecretGone, want}
	}
	numbered := func(t revision.Token, number int64) revision.Token {
		t.Revision = number
		return t
	}
	runDecide(t, map[string]decideCase{
		"an equal token that is not due stays": {
			input(a, found(first), recorded(first)), after(time.Minute), keep(*first)},
		"a token found is enough when status is gone": {
			input(a, found(first)), after(time.Minute), keep(*first)},
		"a replaced signing key is no reason for a new token": {
			input(a, found(old)), after(time.Minute), keep(*old)},
		"an expiresAt that is far away is no reason for a new token": {
			input(faraway, found(first)), after(time.Minute), keep(*first)},
		"a token that lives until expiresAt is never due": {
			input(final, found(last)), after(29 * time.Minute), keep(*last)},
		"a token from a clock ahead of ours stays": {
			input(a, found(first)), after(-time.Minute), keep(*first)},
		"a lost revision annotation is made good from status": {
			input(a, found(&lost), recorded(first)), after(time.Minute), keep(*first)},
		"a lost revision annotation and no status count from one": {
			input(a, found(&lost)), after(time.Minute), keep(numbered(*first, 1))},
		"a revision that nobody counted to is lost": {
			input(a, found(&byHand), recorded(first)), after(time.Minute), keep(*first)},
		"an older Secret that was put back is a new revision": {
			input(a, found(first), recorded(issued(a, 9, after(time.Hour), currentKey))),
			after(time.Minute), keep(numbered(*first, 10))},
		"a Secret written by a process that died before status is believed": {
			input(a, found(first), recorded(issued(a, 6, after(-time.Hour), currentKey))),
			after(time.Minute), keep(*first)},
		"a deleted Secret gets the same token": {
			input(a, recorded(first)), after(time.Minute), restore(*first)},
		"a deleted Secret gets the same token under the replaced key": {
			input(a, recorded(old)), after(time.Minute), restore(*old)},
		"an expiry in status is not believed but computed": {
			input(a, recorded(&forged)), after(time.Minute), restore(*first)},
		"a deleted Secret of a final token gets it back": {
			input(final, recorded(last)), after(29 * time.Minute), restore(*last)},
	})
}

func TestDecideIssuesOnceTheTokenIsNotWhatIsAsked(t *testing.T) {
	t.Parallel()
	a := ask()
	now := after(10*time.Minute + 700*time.Millisecond)
	second := after(10 * time.Minute)
	first := issued(a, 7, epoch, currentKey)
	underRevoked := issued(a, 7, epoch, revokedKey)
	moved := ask(func(a *revision.Ask) { a.Epoch = 2 })
	shorter := ask(notAfter(after(20 * time.Minute)))
	opaque := ask(reference)
	session := issued(opaque, 7, epoch, "")
	lost := func(in *revision.Input) { in.SessionLost = true }
	issue := func(a revision.Ask, reason revision.Reason, number int64) outcome {
		return outcome{revision.ActionIssue, reason, *issued(a, number, second, currentKey)}
	}
	derived := issue(opaque, revision.ReasonSessionLost, 8)
	derived.Token.KeyID = ""
	runDecide(t, map[string]decideCase{
		"the first token is issued now, in whole seconds": {
			input(a), now, issue(a, revision.ReasonFirst, 1)},
		"a moved epoch replaces the token": {
			input(moved, found(first)), now, issue(moved, revision.ReasonInputsChanged, 8)},
		"an expiresAt within the token's life shortens it": {
			input(shorter, found(first)), now, issue(shorter, revision.ReasonInputsChanged, 8)},
		"a withdrawn expiresAt lengthens the token": {
			input(a, found(issued(shorter, 7, epoch, currentKey))), now, issue(a, revision.ReasonInputsChanged, 8)},
		"a revoked key replaces the token": {
			input(a, found(underRevoked)), now, issue(a, revision.ReasonKeyUnusable, 8)},
		"a revoked jti replaces the token": {
			input(a, found(first), revoked(first.ID)), now, issue(a, revision.ReasonTokenRevoked, 8)},
		"a lost session replaces the reference token": {
			input(opaque, found(session), lost), now, derived},
		"a deleted Secret does not bring back changed inputs": {
			input(moved, recorded(first)), now, issue(moved, revision.ReasonInputsChanged, 8)},
		"a deleted Secret does not bring back a revoked token": {
			input(a, recorded(first), revoked(first.ID)), now, issue(a, revision.ReasonTokenRevoked, 8)},
		"a deleted Secret does not bring back a revoked key": {
			input(a, recorded(underRevoked)), now, issue(a, revision.ReasonKeyUnusable, 8)},
		"numbers go on from the higher of Secret and status": {
			input(moved, found(first), recorded(issued(a, 11, epoch.Add(-time.Hour), currentKey))), now,
			issue(moved, revision.ReasonInputsChanged, 12)},
	})
}

func TestDecideRenewsOnTheCalendar(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 7, epoch, currentKey)
	at := renewal(a, first)
	const round = 40 * time.Minute
	next := issued(a, 8, at, currentKey)
	final := ask(notAfter(at.Add(50 * time.Minute)))
	due := func(want *revision.Token) outcome {
		return outcome{revision.ActionIssue, revision.ReasonDue, *want}
	}
	runDecide(t, map[string]decideCase{
		"a nanosecond early nothing happens": {
			input(a, found(first)), at.Add(-1), outcome{revision.ActionKeep, revision.ReasonUpToDate, *first}},
		"on the second the token is replaced": {
			input(a, found(first)), at, due(next)},
		"a late decider makes the same token": {
			input(a, found(first)), at.Add(round - 1), due(next)},
		"a whole missed round moves the iat by one round": {
			input(a, found(first)), at.Add(round), due(issued(a, 8, at.Add(round), currentKey))},
		"an outage of weeks moves it by many": {
			input(a, found(first)), at.Add(1000*round + time.Second), due(issued(a, 8, at.Add(1000*round), currentKey))},
		"a deleted Secret whose token was due gets the next one": {
			input(a, recorded(first)), at.Add(time.Minute), due(next)},
		"the last token ends with expiresAt": {
			input(final, found(first)), at, due(issued(final, 8, at, currentKey))},
		"a Secret put back from before a renewal gets that renewal again": {
			input(a, found(first), recorded(issued(a, 8, at, replacedKey))), at.Add(time.Minute),
			due(issued(a, 8, at, replacedKey))},
		"that renewal is not made with a key revoked since": {
			input(a, found(first), recorded(issued(a, 8, at, revokedKey))), at.Add(time.Minute), due(next)},
		"that renewal is not made when it has been revoked": {
			input(a, found(first), recorded(next), revoked(next.ID)), at.Add(time.Minute),
			outcome{revision.ActionIssue, revision.ReasonTokenRevoked, *issued(a, 9, at.Add(time.Minute), currentKey)}},
	})
}

func TestDecideRefuses(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 7, epoch, currentKey)
	limits := func(l revision.Limits) func(*revision.Input) {
		return func(in *revision.Input) { in.Limits = l }
	}
	opaque := ask(reference)
	ended := ask(notAfter(after(30 * time.Minute)))
	runDecide(t, map[string]decideCase{
		"nothing is issued at expiresAt": {
			input(ended), after(30 * time.Minute), refused(revision.ReasonExpired)},
		"a Secret deleted after expiresAt stays away": {
			input(ended, recorded(issued(ended, 3, epoch, currentKey))), after(time.Hour), refused(revision.ReasonExpired)},
		"limits count for a good token too": {
			input(a, found(first), limits(revision.Limits{MinTTL: 2 * time.Hour})), after(time.Minute),
			refused(revision.ReasonBelowFloor)},
		"a renewBefore as long as the token is refused": {
			input(a, func(in *revision.Input) { in.RenewBefore = time.Hour }), epoch, refused(revision.ReasonInvalidSpec)},
		"a hundred percent are as long as the token": {
			input(a, func(in *revision.Input) { in.RenewBeforePercentage = 100 }), epoch,
			refused(revision.ReasonInvalidSpec)},
		"a token of one second cannot be renewed ahead of time": {
			input(ask(func(a *revision.Ask) { a.TTL = time.Second })), epoch, refused(revision.ReasonInvalidSpec)},
		"a token revoked in its first second is not made again": {
			input(a, found(first), revoked(first.ID)), after(300 * time.Millisecond), refused(revision.ReasonSecondTaken)},
		"a session lost in its first second is not made again": {
			input(opaque, found(issued(opaque, 7, epoch, "")), func(in *revision.Input) { in.SessionLost = true }),
			after(300 * time.Millisecond), refused(revision.ReasonSecondTaken)},
		"a token whose key is revoked in its first second keeps its id to itself": {
			input(a, found(issued(a, 7, epoch, revokedKey))), after(300 * time.Millisecond),
			refused(revision.ReasonSecondTaken)},
		"a token revoked in its first second, all traces lost, is not made again": {
			input(a, revoked(first.ID)), after(300 * time.Millisecond), refused(revision.ReasonSecondTaken)},
	})
}

func TestDecideWaitsForTheNextSecond(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 7, epoch, currentKey)
	in := input(a, found(first), revoked(first.ID))
	got := revision.Decide(in, after(300*time.Millisecond))
	if want := 700 * time.Millisecond; got.RetryAfter != want {
		t.Fatalf("RetryAfter is %s, want %s", got.RetryAfter, want)
	}
	again := revision.Decide(in, after(300*time.Millisecond+got.RetryAfter))
	if again.Action != revision.ActionIssue || !again.Token.IssuedAt.Equal(after(time.Second)) {
		t.Errorf("after the wait: %s at %s, want a token of the next second", again.Action, again.Token.IssuedAt)
	}
}

func TestDecideSaysWhenTheTokenIsDue(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 1, epoch, currentKey)
	kept := revision.Decide(input(a, found(first)), after(time.Minute))
	if !kept.HasRenewal || !kept.RenewalTime.Equal(renewal(a, first)) {
		t.Errorf("kept: due at %s (%t), want %s", kept.RenewalTime, kept.HasRenewal, renewal(a, first))
	}
	fresh := revision.Decide(input(a), epoch)
	if !fresh.HasRenewal || !fresh.RenewalTime.Equal(renewal(a, first)) {
		t.Errorf("issued: due at %s (%t), want %s", fresh.RenewalTime, fresh.HasRenewal, renewal(a, first))
	}
	final := revision.Decide(input(ask(notAfter(after(time.Hour)))), epoch)
	if final.HasRenewal || !final.RenewalTime.IsZero() {
		t.Errorf("a token that ends with expiresAt is due at %s", final.RenewalTime)
	}
}

// A message is compared with what status holds, so it may not change from one
// look to the next.
func TestMessagesHoldNoTimeOfDay(t *testing.T) {
	t.Parallel()
	a := ask()
	first := issued(a, 7, epoch, currentKey)
	for _, in := range []*revision.Input{input(a), input(a, found(first)), input(a, recorded(first))} {
		for _, now := range []time.Time{after(time.Minute), after(5 * time.Hour)} {
			if got := revision.Decide(in, now).Message; strings.Contains(got, "2026") || strings.Contains(got, ":") {
				t.Errorf("the message %q holds a time", got)
			}
		}
	}
}
