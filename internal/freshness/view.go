package freshness

import "time"

// proof is how many times in a row a part has to be refused before the view counts as lost: an API
// server that has just started may refuse what it allows a moment later.
const proof = 2

// View is what is known of the age of a view that has several parts, each of which is watched by
// itself and has resource versions of its own. It is not safe for concurrent use.
type View struct {
	parts []part
	// lost tells that reading was refused, until every part has caught up with a later question.
	lost bool
}

type part struct {
	// asked is the newest question that the watch has not caught up with.
	asked question
	// asOf is when the newest one was asked that it has caught up with; zero before the first.
	asOf time.Time
	// current tells that it has caught up with one since the view was last lost.
	current bool
	// refused counts refusals in a row.
	refused int
	// next is when to ask again.
	next time.Time
}

// question is a consistent read: what it tells was so when it was asked, or came later.
type question struct {
	at      time.Time
	version string
}

// NewView gives the view of some parts, of which nothing is known and which are due to be asked.
func NewView(parts int) *View { return &View{parts: make([]part, parts)} }

// Due lists the parts that are to be asked now.
func (v *View) Due(now time.Time) (due []int) {
	for i := range v.parts {
		if Age(now, v.parts[i].next) >= 0 {
			due = append(due, i)
		}
	}
	return due
}

// Asked takes in the resource version that a consistent read of a part has answered; at is when the
// read began. The part is due again when all others have had their turn, with a pause before each. One
// that could not be asked stays due.
func (v *View) Asked(i int, at time.Time, version string, pause time.Duration) {
	turn := at
	for _, p := range v.parts {
		if Age(p.next, turn) > 0 {
			turn = p.next
		}
	}
	p := &v.parts[i]
	p.asked, p.refused, p.next = question{at, version}, 0, turn.Add(pause)
}

// Doubt makes all parts due.
func (v *View) Doubt() {
	for i := range v.parts {
		v.parts[i].next = time.Time{}
	}
}

// Refused takes in that the API server has answered that a part may not be read, or is not there. It
// stays due. Where that proves the view lost, all parts are due: what they were asked before does not
// count any more.
func (v *View) Refused(i int) {
	p := &v.parts[i]
	p.refused, p.current, p.next = p.refused+1, false, time.Time{}
	if p.refused < proof || v.lost {
		return
	}
	v.lost = true
	for i := range v.parts {
		v.parts[i].current, v.parts[i].asked = false, question{}
	}
	v.Doubt()
}

// Saw takes in the resource version up to which a part's watch has delivered everything. A version
// that cannot be compared counts as too old.
func (v *View) Saw(i int, version string) {
	p := &v.parts[i]
	if p.asked.version == "" {
		return
	}
	if !HasReached(version, p.asked.version) {
		return
	}
	p.asOf, p.current, p.asked = p.asked.at, true, question{}
	for i := range v.parts {
		if !v.parts[i].current {
			return
		}
	}
	v.lost = false
}

// AsOf is a time of which the whole view is known to tell everything; zero where that is known of no
// time yet.
func (v *View) AsOf() time.Time {
	oldest := v.parts[0].asOf
	for _, p := range v.parts {
		if p.asOf.IsZero() {
			return time.Time{}
		}
		if Age(oldest, p.asOf) > 0 {
			oldest = p.asOf
		}
	}
	return oldest
}

// Lost tells that reading was refused, and that not every part has caught up since.
func (v *View) Lost() bool { return v.lost }

// Age is how long ago a time was: the longer of what the wall clock says, which runs on while a machine
// sleeps, and of what has passed in truth, where the times tell that, whatever the wall clock was set
// to. It is negative for a time to come.
func Age(now, at time.Time) time.Duration {
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

// MinLimit is the shortest limit that a view whose watches deliver stays safely below: a fourth of it
// until a part is asked again, and the minute that the API server takes to tell a watch how far it is.
const MinLimit = 2 * time.Minute

// Pause is how long to wait between two questions. All parts have had their turn within a fourth of the
// limit; a minute is long enough where that is later.
func Pause(parts int, limit time.Duration) time.Duration {
	return min(time.Minute, limit/4/time.Duration(parts))
}
