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

// turnInterval is how often, while some that are due wait for their turns.
const turnInterval = time.Second

// allSessions stands for the sessions of a namespace together.
func allSessions(namespace string) Sweepable {
	return Sweepable{Kind: directory.Sessions, Namespace: namespace}
}

// expiryOf is when a session is removed that lives to its end.
func expiryOf(session *v1alpha1.AuthSession) time.Time {
	return sometimeAfter(session.Spec.ExpiresAt.Time, session)
}

// lookThrough removes the sessions that are due, as fast as turns let it, and comes back for the others.
func (r *Sweeper) lookThrough(ctx context.Context, t *directory.Tenant, now time.Time) (reconcile.Result, error) {
	namespace := t.Namespace()
	wait, whole := r.looks.begin(namespace, now)
	if wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil // every new session asks for a look
	}
	next, all := now.Add(lookInterval), true
	for _, session := range t.Sessions() {
		if !r.isDue(t, session, now, whole) {
			continue
		}
		item := Sweepable{Kind: directory.Sessions, Namespace: namespace, Name: session.Name}
		result, err := r.remove(ctx, item, session, now)
		if err != nil {
			return reconcile.Result{}, err
		}
		if result.RequeueAfter > 0 {
			next, all = now.Add(turnInterval), false
		}
	}
	r.looks.end(namespace, next, whole && all, now)
	return reconcile.Result{RequeueAfter: next.Sub(now)}, nil
}

// isDue tells whether a session has expired or, where whatever ends one is asked for, has ended otherwise.
func (r *Sweeper) isDue(t *directory.Tenant, session *v1alpha1.AuthSession, now time.Time, whole bool) bool {
	if !now.Before(session.Spec.ExpiresAt.Time) && !now.Before(expiryOf(session)) { // the first is the cheaper question
		return true
	}
	return whole && !now.Before(r.sessionDue(t, session, now))
}

// looks are when the sessions of namespaces are looked through. The zero value is ready for use.
type looks struct {
	mu sync.Mutex
	at map[string]look
}

// look is when the next one is, and when the last one was that asked for more than expiry and left nothing.
type look struct{ next, whole time.Time }

// begin tells how long it is until the next look; zero where that is now, and where the clock was set back.
// A look that begins asks for whatever ends a session where the last such one is maxPoll ago.
func (l *looks) begin(namespace string, now time.Time) (wait time.Duration, whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	this := l.at[namespace]
	if wait := this.next.Sub(now); wait > 0 && wait <= lookInterval {
		return wait, false
	}
	return 0, now.Sub(this.whole).Abs() >= maxPoll
}

// end notes when the next look is, and whether this one asked for whatever ends a session and left none
// that is due to wait for its turn.
func (l *looks) end(namespace string, next time.Time, whole bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	this := l.at[namespace]
	this.next = next
	if whole {
		this.whole = now
	}
	if l.at == nil {
		l.at = map[string]look{}
	}
	l.at[namespace] = this
}
