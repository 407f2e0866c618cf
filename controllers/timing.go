package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// maxPoll is the longest an object is left alone that something is due for: timers stand still
// while a machine sleeps and do not follow a clock that is set, so the wall clock is looked at this
// often.
const maxPoll = 2 * time.Minute

// until is how long to wait for the first of the moments that lie ahead, at most maxPoll; zero,
// which means not at all, where there is none.
func until(now time.Time, moments ...time.Time) (wait time.Duration) {
	for _, moment := range moments {
		if left := moment.Sub(now); left > 0 && (wait == 0 || left < wait) {
			wait = left
		}
	}
	return min(wait, maxPoll)
}

// endOf is an optional end; zero where there is none.
func endOf(end *metav1.Time) time.Time {
	if end == nil {
		return time.Time{}
	}
	return end.Time
}

// nextTurns are when a generated credential gives way to the next one, and when the one before it
// ends; zero for what is not to come.
func nextTurns(made *directory.Generated, current, previous *metav1.Time) (rotates, ends time.Time) {
	if made == nil {
		return time.Time{}, time.Time{}
	}
	generation := directory.GenerationOf(current, previous)
	return made.Policy.RotationTime(generation), made.Policy.OverlapEnd(generation)
}

// nextLook is when to look again at a Secret that is in the way; zero where a condition tells of
// none.
func nextLook(conditions []metav1.Condition, now time.Time) time.Time {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Reason != v1alpha1.ReasonTargetConflict {
		return time.Time{}
	}
	return now.Add(foreignPoll)
}
