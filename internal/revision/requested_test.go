package revision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

func request(value string) func(*revision.Input) {
	return func(in *revision.Input) { in.Request = value }
}

// answering is a token in whose record a request was acted on.
func answering(t *revision.Token, value string) *revision.Token {
	answered := *t
	answered.Request = value
	return &answered
}

func TestDecideActsOnARequestOnce(t *testing.T) {
	t.Parallel()
	a := ask()
	now := after(10 * time.Minute)
	first := issued(a, 7, epoch, currentKey)
	earlier := issued(a, 6, epoch.Add(-time.Minute), currentKey)
	keep := func(t *revision.Token) outcome { return outcome{revision.ActionKeep, revision.ReasonUpToDate, *t} }
	issue := func(number int64, request string) outcome {
		return outcome{revision.ActionIssue, revision.ReasonRequested, *answering(issued(a, number, now, currentKey), request)}
	}
	moved := ask(func(a *revision.Ask) { a.Epoch = 2 })
	at := renewal(a, first)
	runDecide(t, map[string]decideCase{
		"a request that nobody has acted on makes a revision": {
			input(a, found(first), recorded(first), request("one")), now, issue(8, "one")},
		"another value is another request": {
			input(a, found(answering(first, "one")), recorded(answering(first, "one")), request("two")), now, issue(8, "two")},
		"a request that both records know is done": {
			input(a, found(answering(first, "one")), recorded(answering(first, "one")), request("one")), now, keep(answering(first, "one"))},
		"one that the Secret knows is done, where a process died before status": {
			input(a, found(answering(first, "one")), recorded(earlier), request("one")), now, keep(answering(first, "one"))},
		"one that the Secret knows is done, where status was lost": {
			input(a, found(answering(first, "one")), request("one")), now, keep(answering(first, "one"))},
		"one that status knows is done, where the Secret has lost it": {
			input(a, found(first), recorded(answering(first, "one")), request("one")), now, keep(answering(first, "one"))},
		"one that status knows is done, where somebody wrote another into the Secret": {
			input(a, found(answering(first, "forged")), recorded(answering(first, "one")), request("one")), now, keep(answering(first, "one"))},
		"one that status knows is done, where the Secret is gone": {
			input(a, recorded(answering(first, "one")), request("one")), now,
			outcome{revision.ActionRestore, revision.ReasonSecretGone, *answering(first, "one")}},
		"a request that was taken back is not forgotten": {
			input(a, found(answering(first, "one")), recorded(answering(first, "one"))), now, keep(answering(first, "one"))},
		"nor where the Secret has lost it": {
			input(a, found(first), recorded(answering(first, "one"))), now, keep(answering(first, "one"))},
		"a deleted Secret is no way around a request": {
			input(a, recorded(first), request("one")), now, issue(8, "one")},
		"the first revision answers it": {
			input(a, request("one")), now,
			outcome{revision.ActionIssue, revision.ReasonFirst, *answering(issued(a, 1, now, currentKey), "one")}},
		"a revision for another reason answers it": {
			input(moved, found(first), request("one")), now,
			outcome{revision.ActionIssue, revision.ReasonInputsChanged, *answering(issued(moved, 8, now, currentKey), "one")}},
		"a renewal that is due answers it": {
			input(a, found(first), request("one")), at.Add(time.Second),
			outcome{revision.ActionIssue, revision.ReasonDue, *answering(issued(a, 8, at, currentKey), "one")}},
		"a renewal carries on what was acted on": {
			input(a, found(answering(first, "one")), request("one")), at,
			outcome{revision.ActionIssue, revision.ReasonDue, *answering(issued(a, 8, at, currentKey), "one")}},
		"nothing is issued past the end": {
			input(ask(notAfter(now)), found(first), request("one")), now, refused(revision.ReasonExpired)},
		"in the second of the last token that one stays": {
			input(a, found(first), request("one")), epoch.Add(time.Millisecond), keep(first)},
		"and comes back where it was deleted": {
			input(a, recorded(first), request("one")), epoch.Add(time.Millisecond),
			outcome{revision.ActionRestore, revision.ReasonSecretGone, *first}},
	})
}

func TestARequestWithinTheSecondOfTheLastTokenIsActedOnInTheNext(t *testing.T) {
	t.Parallel()
	a := ask()
	in := input(a, found(issued(a, 7, epoch, currentKey)), request("one"))
	now := after(300 * time.Millisecond)
	d := revision.Decide(in, now)
	if diff := cmp.Diff(700*time.Millisecond, d.RetryAfter); diff != "" {
		t.Fatalf("RetryAfter (-want +got):\n%s", diff)
	}
	if d = revision.Decide(in, now.Add(d.RetryAfter)); d.Reason != revision.ReasonRequested || d.RetryAfter != 0 {
		t.Errorf("in the next second: %s, again after %s", d.Reason, d.RetryAfter)
	}
}

// Whatever crashes and whoever deletes what, a request makes one revision at most, and is answered in
// the end.
func TestNoRequestIsActedOnTwice(t *testing.T) {
	t.Parallel()
	for seed := range byte(50) {
		d := dice{seed}
		c, now, death := &cluster{}, epoch, uint64(2)
		value, asked, made := "", 0, map[string]int{}
		for range 2000 {
			now = now.Add(time.Duration(d.below(uint64(time.Minute))))
			c.lose(&d)
			if d.below(10) == 0 {
				asked++
				value = fmt.Sprint("request ", asked)
			}
			death = d.below(4) + (1-min(death, 1))*2
			in := input(ask(), request(value), found(c.secret), recorded(c.status))
			if decision := revision.Decide(in, now); decision.Reason == revision.ReasonRequested && death > 0 {
				made[value]++
			}
			c.reconcile(in, now, death)
		}
		for value, times := range made {
			if times > 1 {
				t.Fatalf("seed %d: %d revisions for %q", seed, times, value)
			}
		}
		if len(made) < asked/3 {
			t.Fatalf("seed %d: %d of %d requests made a revision", seed, len(made), asked)
		}
		c.reconcile(input(ask(), request(value)), now.Add(time.Second), 2)
		if c.secret.Request != value || c.status.Request != value {
			t.Fatalf("seed %d: %q was never answered", seed, value)
		}
	}
}
