package revision

import "time"

// rules are asked in this order; the first that decides wins. Those that
// refuse come first, then what makes a new revision necessary, then the
// calendar, then what somebody wishes, then what can be put back.
var rules = []rule{
	outsideLimits,
	pastEnd,
	nothingKnown,
	inputsChanged,
	keyUnusable,
	tokenRevoked,
	sessionLost,
	due,
	requested,
	secretGone,
}

// rule decides, or leaves it to the next.
type rule func(*situation) (Decision, bool)

// maxRevision is the largest integer that every JSON reader keeps exact.
const maxRevision = 1<<53 - 1

// situation is an Input at one instant. last is the token that the rules judge,
// the one found or else the one recorded; it is zero where neither is known.
type situation struct {
	*Input
	now         time.Time
	renewBefore time.Duration
	last        Token
}

func newSituation(in *Input, now time.Time) *situation {
	s := &situation{
		Input:       in,
		now:         now,
		renewBefore: RenewBefore(in.Ask.ttl(), in.RenewBefore, in.RenewBeforePercentage),
	}
	switch {
	case in.Found != nil:
		s.last = *in.Found
	case in.Recorded != nil:
		s.last = *in.Recorded
		s.last.ExpiresAt = in.Ask.ExpiresAt(s.last.IssuedAt)
	}
	return s
}

func outsideLimits(s *situation) (Decision, bool) {
	reason, message := s.Limits.Check(s.Ask.Format, s.Ask.ttl(), s.renewBefore)
	return Decision{Action: ActionRefuse, Reason: reason, Message: message}, reason != ""
}

func pastEnd(s *situation) (Decision, bool) {
	end := s.Ask.notAfter()
	expired := !end.IsZero() && !s.now.Before(end)
	return Decision{
		Action:  ActionRefuse,
		Reason:  ReasonExpired,
		Message: "The grant, its user or its client has reached its expiresAt; no token is issued.",
	}, expired
}

func nothingKnown(s *situation) (Decision, bool) {
	if s.Found != nil || s.Recorded != nil {
		return Decision{}, false
	}
	return s.issueNow(ReasonFirst, "This is the grant's first token."), true
}

func inputsChanged(s *situation) (Decision, bool) {
	if s.id(s.last.IssuedAt) == s.last.ID {
		return Decision{}, false
	}
	return s.issueNow(ReasonInputsChanged, "The grant, its user, its client or the tenant asks for another token than before."), true
}

func keyUnusable(s *situation) (Decision, bool) {
	if s.Ask.Format == FormatReference || s.KeyUsable(s.last.KeyID) {
		return Decision{}, false
	}
	return s.issueNow(ReasonKeyUnusable, "The key that signed the token was revoked or is no longer published."), true
}

func tokenRevoked(s *situation) (Decision, bool) {
	if !s.Revoked(s.last.ID) {
		return Decision{}, false
	}
	return s.issueNow(ReasonTokenRevoked, "The token was revoked."), true
}

func sessionLost(s *situation) (Decision, bool) {
	if !s.SessionLost {
		return Decision{}, false
	}
	return s.issueNow(ReasonSessionLost, "The session behind the token is gone."), true
}

// due issues at the renewal time itself, however late it is found out, so that
// everyone who finds the same token issues the same next one. After a missed
// round the iat moves on by whole rounds, or the new token would be due or
// expired as soon as it is made.
func due(s *situation) (Decision, bool) {
	at, scheduled := s.Ask.RenewalTime(s.last, s.renewBefore)
	if !scheduled || s.now.Before(at) {
		return Decision{}, false
	}
	round := s.Ask.ttl() - s.renewBefore
	at = at.Add(s.now.Sub(at).Truncate(round))
	if s.Revoked(s.id(at)) {
		return s.issueNow(ReasonTokenRevoked, "The token that was due had been revoked before."), true
	}
	return s.issue(at, ReasonDue, "The token was due to be renewed."), true
}

func secretGone(s *situation) (Decision, bool) {
	if s.Found != nil {
		return Decision{}, false
	}
	return s.standing(ActionRestore, ReasonSecretGone, "The Secret was gone; the same token is put back."), true
}

// requested acts on each request once. A second has one token, and where that is
// the last one, which is good, it stays until the next second.
func requested(s *situation) (Decision, bool) {
	if s.Request == "" || s.answered() {
		return Decision{}, false
	}
	d := s.issueNow(ReasonRequested, "A new revision was requested.")
	if d.Action != ActionRefuse {
		return d, true
	}
	wait := d.RetryAfter
	if gone, is := secretGone(s); is {
		d = gone
	} else {
		d = s.standing(ActionKeep, ReasonUpToDate, "A new revision was requested; it follows in a second.")
	}
	d.RetryAfter = wait
	return d, true
}

// issueNow makes a revision that no calendar asked for. A second has one token
// for the same inputs; where that is the one just found dead, making it again
// would bring it back, so the next second is waited for.
func (s *situation) issueNow(reason Reason, message string) Decision {
	at := wholeSecond(s.now)
	if id := s.id(at); id == s.last.ID || s.Revoked(id) {
		return Decision{
			Action:     ActionRefuse,
			Reason:     ReasonSecondTaken,
			Message:    "The token died within the second it was made; the next one follows in a second.",
			RetryAfter: at.Add(time.Second).Sub(s.now),
		}
	}
	return s.issue(at, reason, message)
}

func (s *situation) issue(at time.Time, reason Reason, message string) Decision {
	token := Token{
		ID:        s.id(at),
		KeyID:     s.SigningKeyID,
		IssuedAt:  at,
		ExpiresAt: s.Ask.ExpiresAt(at),
	}
	if r := s.Recorded; r != nil && r.ID == token.ID && s.Ask.Format == FormatJWT && s.KeyUsable(r.KeyID) {
		token.KeyID = r.KeyID // made before, and lost or not seen yet: the same bytes again
	}
	return s.settle(ActionIssue, token, reason, message)
}

// standing leaves the last token in force.
func (s *situation) standing(action Action, reason Reason, message string) Decision {
	return s.settle(action, s.last, reason, message)
}

func (s *situation) settle(action Action, token Token, reason Reason, message string) Decision {
	token.Revision = s.number(token.ID)
	token.Request = s.acknowledged(action)
	d := Decision{Action: action, Token: token, Reason: reason, Message: message}
	d.RenewalTime, d.HasRenewal = s.Ask.RenewalTime(token, s.renewBefore)
	return d
}

// answered reports whether a revision was made after the request was seen.
func (s *situation) answered() bool {
	return s.Found != nil && s.Found.Request == s.Request || s.Recorded != nil && s.Recorded.Request == s.Request
}

// acknowledged is the request that is recorded once the action is carried out.
// Where the two records differ, the Secret's was written later.
func (s *situation) acknowledged(action Action) string {
	switch {
	case s.Request != "" && (action == ActionIssue || s.answered()):
		return s.Request
	case s.Found != nil && s.Found.Request != "":
		return s.Found.Request
	case s.Recorded != nil:
		return s.Recorded.Request
	}
	return ""
}

// number gives a token that is known its own number, and any other one the
// next. A known token that has been overtaken, because an old copy of the
// Secret was put back, counts as a new revision: numbers never fall. What no
// counter reaches was not counted but written by hand, and counts as lost.
func (s *situation) number(id string) int64 {
	var own, others int64
	for _, t := range []*Token{s.Found, s.Recorded} {
		switch {
		case t == nil, t.Revision > maxRevision:
		case t.ID == id:
			own = max(own, t.Revision)
		default:
			others = max(others, t.Revision)
		}
	}
	if own > others {
		return own
	}
	return others + 1
}

func (s *situation) id(issuedAt time.Time) string {
	return s.TokenID(issuedAt, s.Ask.Digest(issuedAt))
}
