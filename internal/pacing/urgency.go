package pacing

import (
	"math/bits"
	"time"
)

// Expired is the urgency of what has no time left, the highest there is.
const Expired = 16

// Urgency ranks by the time left until something expires: the less, the higher. Each step down is
// twice the time, from a minute on, so that a metric by urgency has few values. The lowest is one,
// which is six days and more.
func Urgency(left time.Duration) int {
	if left <= 0 {
		return Expired
	}
	return max(Expired-1-bits.Len64(uint64(left/time.Minute)), 1)
}

// AfterFailure is the urgency of what has just failed: below all that has not, so that what keeps
// failing holds nothing up, and in the same order, so that after an outage of everything the most
// urgent still comes first.
func AfterFailure(urgency int) int { return urgency - Expired }
