package revision

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// jitterShare is the part of renewBefore by which a renewal may come early.
const jitterShare = 10

// RenewBefore is how long before its expiry a token is replaced, in whole
// seconds, rounded up: the length that was given, else the percentage of ttl,
// else a third of it. Zero and less mean not given.
func RenewBefore(ttl, before time.Duration, percentage int32) time.Duration {
	switch {
	case before > 0:
		return ceilSecond(before)
	case percentage > 0:
		return ceilSecond(ttl / 100 * time.Duration(percentage))
	default:
		return ceilSecond(ttl / 3)
	}
}

// RenewalTime is the second from which the token is due to be replaced, and
// the iat of what replaces it: renewBefore ahead of its exp, and up to a tenth
// of renewBefore earlier, so that grants applied together do not renew
// together. The jitter is a function of grant id and iat alone, and never
// takes more than half of the time in which the token is not due. It reports
// false when the token already lives as long as NotAfter lets any live.
func (a *Ask) RenewalTime(t Token, renewBefore time.Duration) (time.Time, bool) {
	if bound := a.notAfter(); !bound.IsZero() && !t.ExpiresAt.Before(bound) {
		return time.Time{}, false
	}
	latest := t.ExpiresAt.Add(-renewBefore)
	room := min(renewBefore/jitterShare, latest.Sub(t.IssuedAt)/2)
	return latest.Add(-jitter(a.GrantID, t.IssuedAt, room)), true
}

// jitter spreads evenly over the whole seconds from none to room.
func jitter(grantID string, issuedAt time.Time, room time.Duration) time.Duration {
	seconds := room / time.Second
	if seconds <= 0 {
		return 0
	}
	f := frame{}
	f.text("grantkeeper.dev/v1/jitter", grantID)
	f.number(issuedAt.Unix())
	sum := sha256.Sum256(f.bytes)
	pick := binary.BigEndian.Uint64(sum[:8]) % uint64(seconds+1)
	return time.Duration(pick) * time.Second
}

func ceilSecond(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}
