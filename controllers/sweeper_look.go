package controllers

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// lookInterval is how often the sessions of a namespace are looked through for those that have expired, and
// maxPoll how often for whatever else ends one. A timer for each would take as much memory as a good part
// of the session does.
const lookInterval = 15 * time.Second

// turnInterval is how often, while some that are due wait for their turns: by then the burst is free again.
var turnInterval = time.Duration(sweepBudget.Burst) * sweepBudget.Every

// allSessions stands for the sessions of a namespace together.
func allSessions(namespace string) Sweepable {
	return Sweepable{Kind: directory.Sessions, Namespace: namespace}
}

// expiryOf is when a session is removed that lives to its end.
func expiryOf(session *v1alpha1.AuthSession) time.Time {
	return sometimeAfter(session.Spec.ExpiresAt.Time, session)
}

// lookThrough removes the sessions that are due, as far as there are turns, and comes back for the others.
func (r *Sweeper) lookThrough(ctx context.Context, t *directory.Tenant, now time.Time) (reconcile.Result, error) {
	this := r.looks.of(t.Namespace())
	if wait := this.wait(now); wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil // every new session asks for a look
	}
	due := r.allDue(t, this, now)
	for len(due) > 0 && r.turns.take(now) {
		if err := r.remove(ctx, due[0]); err != nil {
			return reconcile.Result{}, err
		}
		due = due[1:]
	}
	next := look{next: now.Add(lookInterval), whole: this.whole}
	if this.isWhole(now) {
		next.whole = now
	}
	for _, session := range due {
		next.next, next.left = now.Add(turnInterval), append(next.left, session.Name)
	}
	r.looks.set(t.Namespace(), next)
	return reconcile.Result{RequeueAfter: next.next.Sub(now)}, nil
}

// allDue lists the sessions that have expired, and of the others those that have ended otherwise: all of
// them where the look is a whole one, and what the last whole one has left where it is not.
func (r *Sweeper) allDue(t *directory.Tenant, this look, now time.Time) (due []*v1alpha1.AuthSession) {
	whole := this.isWhole(now)
	for _, session := range t.Sessions() {
		if hasExpired(session, now) || whole && !now.Before(r.sessionDue(t, session, now)) {
			due = append(due, session)
		}
	}
	if whole {
		return due
	}
	for _, name := range this.left {
		if session, ok := t.Session(name); ok && !hasExpired(session, now) && !now.Before(r.sessionDue(t, session, now)) {
			due = append(due, session)
		}
	}
	return due
}

// hasExpired tells whether a session has lived to its end. The first question is the cheaper one.
func hasExpired(session *v1alpha1.AuthSession, now time.Time) bool {
	return !now.Before(session.Spec.ExpiresAt.Time) && !now.Before(expiryOf(session))
}

// look is when a namespace is looked through next, when it was last looked through for whatever ends a
// session, and which sessions were due then or later and wait for a turn.
type look struct {
	next, whole time.Time
	left        []string
}

// wait is how long it is until the next look; zero where that is now, and where the clock was set back.
func (l look) wait(now time.Time) time.Duration {
	if wait := l.next.Sub(now); wait > 0 && wait <= lookInterval {
		return wait
	}
	return 0
}

// isWhole tells whether a look asks for whatever ends a session.
func (l look) isWhole(now time.Time) bool { return now.Sub(l.whole).Abs() >= maxPoll }

// looks are those of all namespaces. The zero value is ready for use. One namespace is never looked through
// twice at once.
type looks struct {
	mu sync.Mutex
	at map[string]look
}

func (l *looks) of(namespace string) look {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[namespace]
}

func (l *looks) set(namespace string, next look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = map[string]look{}
	}
	l.at[namespace] = next
}
