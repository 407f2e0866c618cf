package revision

import (
	"crypto/sha256"
	"time"
)

// Action is what is to be done about the Secret.
type Action string

// The actions.
const (
	// ActionKeep: the Secret holds the token that is asked for.
	ActionKeep Action = "Keep"
	// ActionRestore: the Secret is gone; the token it held is made again, byte
	// for byte.
	ActionRestore Action = "Restore"
	// ActionIssue: a new revision is made.
	ActionIssue Action = "Issue"
	// ActionRefuse: nothing is issued and the Secret stays as it is.
	ActionRefuse Action = "Refuse"
)

// Reason is why. The reasons of ActionRefuse are condition reasons too.
type Reason string

// The reasons of ActionKeep and ActionRestore.
const (
	// ReasonUpToDate: what was found is what is asked for, and not due.
	ReasonUpToDate Reason = "UpToDate"
	// ReasonSecretGone: status knows the token and nothing speaks against it.
	ReasonSecretGone Reason = "SecretGone"
)

// The reasons of ActionIssue.
const (
	// ReasonFirst: neither Secret nor status knows a token.
	ReasonFirst Reason = "First"
	// ReasonInputsChanged: today's inputs give another id.
	ReasonInputsChanged Reason = "InputsChanged"
	// ReasonKeyUnusable: the key that signed was revoked or is no longer
	// published.
	ReasonKeyUnusable Reason = "KeyUnusable"
	// ReasonTokenRevoked: the token died early by itself.
	ReasonTokenRevoked Reason = "TokenRevoked"
	// ReasonSessionLost: the session behind the reference token is gone.
	ReasonSessionLost Reason = "SessionLost"
	// ReasonDue: its renewal time has come.
	ReasonDue Reason = "Due"
	// ReasonRequested: somebody has asked for a new revision.
	ReasonRequested Reason = "Requested"
)

// The reasons of ActionRefuse.
const (
	// ReasonBelowFloor: ttl or renewBefore is shorter than Limits allow.
	ReasonBelowFloor Reason = "BelowFloor"
	// ReasonAboveCeiling: the ttl of a JWT is longer than Limits allow.
	ReasonAboveCeiling Reason = "AboveCeiling"
	// ReasonInvalidSpec: renewBefore is not shorter than ttl.
	ReasonInvalidSpec Reason = "InvalidSpec"
	// ReasonExpired: NotAfter has passed.
	ReasonExpired Reason = "Expired"
	// ReasonSecondTaken: the only token of this second is dead. The next
	// second has another.
	ReasonSecondTaken Reason = "SecondTaken"
)

// Input is everything a decision rests on.
type Input struct {
	// Ask is what fixes the bytes, as of today.
	Ask Ask
	// RenewBefore and RenewBeforePercentage are what the spec says, of which at
	// most one is set; see the function RenewBefore.
	RenewBefore           time.Duration
	RenewBeforePercentage int32
	// Limits are the operator's.
	Limits Limits
	// Found is the token in the Secret, verified with the tenant's keys; nil
	// when there is no Secret or what is in it does not verify. Its revision
	// may be zero where the annotation was lost.
	Found *Token
	// Recorded is the token in status; nil when status has none. Only Revision,
	// ID, KeyID, IssuedAt and Request are looked at. It is believed only as far as its
	// ID can be recomputed.
	Recorded *Token
	// Request asks for one new revision, whatever it says: the first that is
	// made after it was seen answers it, for whichever reason that is made. It is
	// answered where Found or Recorded has it. Empty asks for nothing.
	Request string
	// TokenID computes the id of the token of this Ask that is issued at the
	// given second, under the tenant's record key.
	TokenID func(issuedAt time.Time, digest [sha256.Size]byte) string
	// SigningKeyID is the id of the key that signs today; empty for a
	// reference token.
	SigningKeyID string
	// KeyUsable reports whether the tenant still publishes a key and has not
	// revoked it. A replaced key is usable. Not asked for a reference token.
	KeyUsable func(keyID string) bool
	// Revoked reports whether a token died early by its id.
	Revoked func(tokenID string) bool
	// SessionLost is true when the reference token Found, or else Recorded, has
	// no session, after a live read.
	SessionLost bool
}

// Decision is what to do, and what then stands in the Secret.
type Decision struct {
	Action Action
	// Token is what the Secret holds once the action is carried out; zero for
	// ActionRefuse.
	Token  Token
	Reason Reason
	// Message is for the grant's user: the same for the same situation, without
	// times of day.
	Message string
	// RenewalTime is when Token is due, where HasRenewal is true.
	RenewalTime time.Time
	HasRenewal  bool
	// RetryAfter is how long until the next second begins, where a revision has
	// to wait for it: with ReasonSecondTaken, and where one was requested and the
	// last one stays until then.
	RetryAfter time.Duration
}

// Decide says what the Secret should hold now. It never issues a token that is
// expired or whose iat lies ahead of now, and never one that is revoked.
func Decide(in *Input, now time.Time) Decision {
	s := newSituation(in, now)
	for _, rule := range rules {
		if decision, decided := rule(s); decided {
			return decision
		}
	}
	return s.standing(ActionKeep, ReasonUpToDate, "The token is what is asked for and not due.")
}
