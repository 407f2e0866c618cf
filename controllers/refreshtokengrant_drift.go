package controllers

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/pacing"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// repairBudget bounds how often a Secret that somebody else keeps changing is brought back: six times
// at once, then every ten seconds, and never more than twelve times in a minute. What a person breaks
// by hand is never near it.
var repairBudget = pacing.Budget{Burst: 6, Every: 10 * time.Second}

// drift is how a Secret stands with somebody else who writes it. The zero value is that nobody does.
type drift struct {
	// left tells that the Secret is not as it should be, and is left so for now.
	left bool
	// message is for the condition; empty where nobody keeps changing the Secret.
	message string
	// until is when that is over, unless it goes on.
	until time.Time
}

// repairs remembers how often the Secrets of grants were brought back. It is lost with the process,
// which then has patience anew. The zero value is ready for use.
type repairs struct {
	mu    sync.Mutex
	spent map[types.NamespacedName]spending
}

type spending struct {
	whole time.Time // when nothing is spent any more
	// message is set while somebody keeps changing the Secret.
	message string
}

// wait is how long to leave a Secret alone; zero: it may be brought back.
func (r *repairs) wait(key types.NamespacedName, now time.Time) time.Duration {
	_, wait := repairBudget.Take(r.of(key).whole, now)
	return wait
}

// took counts a repair.
func (r *repairs) took(key types.NamespacedName, now time.Time) {
	r.change(key, func(s *spending) { s.whole, _ = repairBudget.Take(s.whole, now) })
}

// contested remembers that somebody keeps changing the Secret.
func (r *repairs) contested(key types.NamespacedName, message string) {
	r.change(key, func(s *spending) { s.message = message })
}

// of is what is remembered of a grant.
func (r *repairs) of(key types.NamespacedName) spending {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent[key]
}

// since is how a grant's Secret stands, going by what was before: that somebody keeps changing it is
// over when nothing is spent any more.
func (r *repairs) since(key types.NamespacedName, now time.Time) drift {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.spent[key]
	switch {
	case !now.Before(s.whole):
		delete(r.spent, key)
		return drift{}
	case s.message == "":
		return drift{}
	}
	return drift{message: s.message, until: s.whole}
}

func (r *repairs) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.spent, key)
}

func (r *repairs) change(key types.NamespacedName, by func(*spending)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spent == nil {
		r.spent = map[types.NamespacedName]spending{}
	}
	s := r.spent[key]
	by(&s)
	r.spent[key] = s
}

// isRepair tells whether a decision only undoes what somebody else did to the Secret: it brings the
// token back that status knows, or replaces one that was overtaken. A renewal never counts as one: no
// token expires because somebody fights for its Secret.
func (d *delivery) isRepair(decision *revision.Decision, found *revision.Token) bool {
	if decision.Action != revision.ActionIssue {
		return true
	}
	known := recorded(d.grant)
	return found != nil && known != nil && found.ID != known.ID && found.Revision < known.Revision
}

// repair tells whether a decision is a repair, and how long the Secret is left before another one. No
// reference token is made for a Secret that is left.
func (d *delivery) repair(decision *revision.Decision, found *revision.Token) (is bool, wait time.Duration) {
	if !d.isRepair(decision, found) {
		return false, 0
	}
	return true, d.repairs.wait(d.key(), d.now)
}

// leave is the outcome where the Secret is left for now to whoever keeps changing it.
func (d *delivery) leave(ctx context.Context, target *secretwriter.Target, decision *revision.Decision, o outcome, wait time.Duration) outcome {
	key := d.key()
	message := d.repairs.of(key).message
	if message == "" {
		message = contestedMessage(target.Name, d.competitor(ctx, target))
		d.repairs.contested(key, message)
	}
	o.drift = drift{left: true, message: message, until: d.now.Add(wait)}
	if decision.Action != revision.ActionIssue {
		o.decision = decision // the token stays the one that status knows, or is still in the Secret
	}
	if !o.good {
		o.standing = directory.Standing{Reason: v1alpha1.ReasonCompetingWriter, Message: message}
	}
	return o
}

func contestedMessage(secret, by string) string {
	who := "Somebody"
	if by != "" {
		who = fmt.Sprintf("Field manager %q", by)
	}
	return fmt.Sprintf("%s keeps changing or deleting Secret %q; it is brought back no more than 12 times a minute.", who, secret)
}

// competitor names who else writes the Secret, as far as the API server tells: the cache holds no
// record of it.
func (d *delivery) competitor(ctx context.Context, target *secretwriter.Target) string {
	secret := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}}
	if err := d.Live.Get(ctx, types.NamespacedName{Namespace: target.Namespace, Name: target.Name}, secret); err != nil {
		return "" // it is deleted rather than changed, or nobody can tell
	}
	return lastManager(secret.ManagedFields)
}

// lastManager is the last field manager, but for ourselves.
func lastManager(fields []metav1.ManagedFieldsEntry) (manager string) {
	var last time.Time
	for _, entry := range fields {
		if entry.Manager == string(secretwriter.FieldOwner) || entry.Time == nil || entry.Time.Time.Before(last) {
			continue
		}
		manager, last = entry.Manager, entry.Time.Time
	}
	return manager
}

// driftedCondition tells of somebody who keeps changing the Secret; false where nobody does.
func driftedCondition(d drift) (metav1.Condition, bool) {
	return metav1.Condition{
		Type:    v1alpha1.ConditionDrifted,
		Status:  metav1.ConditionTrue,
		Reason:  v1alpha1.ReasonCompetingWriter,
		Message: d.message,
	}, d.message != ""
}
