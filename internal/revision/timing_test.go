package revision_test

import (
	"fmt"
	"testing"
	"testing/quick"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

func TestRenewBefore(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		ttl, before time.Duration
		percentage  int32
		want        time.Duration
	}{
		"a third by default":             {ttl: time.Hour, want: 20 * time.Minute},
		"a length counts as it is":       {ttl: time.Hour, before: 7 * time.Minute, want: 7 * time.Minute},
		"a percentage counts of the ttl": {ttl: time.Hour, percentage: 25, want: 15 * time.Minute},
		"a length wins over percentages": {ttl: time.Hour, before: time.Minute, percentage: 25, want: time.Minute},
		"thirds are rounded up":          {ttl: 100 * time.Second, want: 34 * time.Second},
		"percentages are rounded up":     {ttl: 10 * time.Second, percentage: 1, want: time.Second},
		"a century does not overflow":    {ttl: 876000 * time.Hour, percentage: 50, want: 438000 * time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := revision.RenewBefore(tc.ttl, tc.before, tc.percentage); got != tc.want {
				t.Errorf("RenewBefore = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestRenewalTimeStaysInItsBounds(t *testing.T) {
	t.Parallel()
	property := func(grant uint64, ttlSeconds, beforeSeconds uint16) bool {
		ttl := 2*time.Second + time.Duration(ttlSeconds)*time.Second
		before := min(time.Second+time.Duration(beforeSeconds)*time.Second, ttl-time.Second)
		a := ask(func(a *revision.Ask) { a.GrantID, a.TTL = fmt.Sprint(grant), ttl })
		token := issued(a, 1, epoch, currentKey)
		at, ok := a.RenewalTime(*token, before)
		latest := token.ExpiresAt.Add(-before)
		return ok && at.Nanosecond() == 0 &&
			!at.After(latest) && at.Before(token.ExpiresAt) &&
			latest.Sub(at) <= before/10 &&
			!at.Before(epoch.Add((ttl-before)/2)) && at.After(epoch)
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// Grants that are applied together would otherwise be renewed together for ever.
func TestRenewalTimeSpreadsGrants(t *testing.T) {
	t.Parallel()
	const grants, before = 2400, 20 * time.Minute
	perSecond := map[time.Time]int{}
	for i := range grants {
		a := ask(func(a *revision.Ask) { a.GrantID = fmt.Sprintf("grant-%d", i) })
		at, _ := a.RenewalTime(*issued(a, 1, epoch, currentKey), before)
		perSecond[at]++
	}
	if got := len(perSecond); got < 115 {
		t.Errorf("%d grants are due at %d different seconds of 121", grants, got)
	}
	for at, n := range perSecond {
		if n > 60 {
			t.Errorf("%d of %d grants are due at %s, three times the mean", n, grants, at)
		}
	}
}

func TestRenewalTimeDoesNotMoveBetweenReleases(t *testing.T) {
	t.Parallel()
	a := ask()
	at, _ := a.RenewalTime(*issued(a, 1, epoch, currentKey), 20*time.Minute)
	if got, want := at.Sub(epoch).String(), "39m33s"; got != want {
		t.Errorf("due %s after iat, want %s: two releases would make two tokens", got, want)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := revision.Limits{MinTTL: 10 * time.Minute, MinRenewBefore: 3 * time.Minute, MaxJWTTTL: 24 * time.Hour}
	cases := map[string]struct {
		limits      revision.Limits
		format      revision.Format
		ttl, before time.Duration
		want        revision.Reason
		message     string
	}{
		"on the floors all is well": {limits: limits, format: revision.FormatJWT, ttl: 10 * time.Minute, before: 3 * time.Minute},
		"at the ceiling too":        {limits: limits, format: revision.FormatJWT, ttl: 24 * time.Hour, before: 8 * time.Hour},
		"a reference token has no ceiling": {
			limits: limits, format: revision.FormatReference, ttl: 25 * time.Hour, before: 8 * time.Hour},
		"zero limits nothing": {format: revision.FormatJWT, ttl: 1000 * time.Hour, before: time.Second},
		"a short lifetime": {
			limits: limits, format: revision.FormatJWT, ttl: 10*time.Minute - time.Second, before: 3 * time.Minute,
			want:    revision.ReasonBelowFloor,
			message: "accessToken.ttl is 9m59s; this operator allows no less than 10m0s"},
		"a JWT past the ceiling": {
			limits: limits, format: revision.FormatJWT, ttl: 25 * time.Hour, before: 8 * time.Hour,
			want:    revision.ReasonAboveCeiling,
			message: "accessToken.ttl is 25h0m0s; this operator allows no more than 24h0m0s for a JWT"},
		"a short renewBefore": {
			limits: limits, format: revision.FormatJWT, ttl: time.Hour, before: time.Minute,
			want:    revision.ReasonBelowFloor,
			message: "accessToken.renewBefore is 1m0s; this operator allows no less than 3m0s"},
		"a renewBefore of the whole lifetime": {
			limits: limits, format: revision.FormatJWT, ttl: time.Hour, before: time.Hour,
			want:    revision.ReasonInvalidSpec,
			message: "accessToken.renewBefore is 1h0m0s; it must be shorter than accessToken.ttl, which is 1h0m0s"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reason, message := tc.limits.Check(tc.format, tc.ttl, tc.before)
			if reason != tc.want || message != tc.message {
				t.Errorf("Check = %q, %q; want %q, %q", reason, message, tc.want, tc.message)
			}
		})
	}
}
