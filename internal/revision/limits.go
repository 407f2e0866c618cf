package revision

import (
	"fmt"
	"time"
)

// Limits are what the operator's flags allow, whatever a spec asks for. A zero
// limits nothing.
type Limits struct {
	// MinTTL is the shortest lifetime of a token that is delivered in a Secret.
	MinTTL time.Duration
	// MinRenewBefore is the shortest renewBefore. A changed Secret reaches a
	// mounted file a minute or more late; a renewal must come earlier than that.
	MinRenewBefore time.Duration
	// MaxJWTTTL is the longest lifetime of a self-contained token, which an
	// offline validator takes until it expires.
	MaxJWTTTL time.Duration
}

// Check returns the reason and the message for which a token of these times
// may not be issued; both are empty when it may. The message names the field
// and both lengths.
func (l Limits) Check(format Format, ttl, renewBefore time.Duration) (Reason, string) {
	switch {
	case ttl < l.MinTTL:
		return ReasonBelowFloor, fmt.Sprintf("accessToken.ttl is %s; this operator allows no less than %s", ttl, l.MinTTL)
	case format == FormatJWT && l.MaxJWTTTL > 0 && ttl > l.MaxJWTTTL:
		return ReasonAboveCeiling, fmt.Sprintf("accessToken.ttl is %s; this operator allows no more than %s for a JWT", ttl, l.MaxJWTTTL)
	case renewBefore >= ttl:
		return ReasonInvalidSpec, fmt.Sprintf("accessToken.renewBefore is %s; it must be shorter than accessToken.ttl, which is %s", renewBefore, ttl)
	case renewBefore < l.MinRenewBefore:
		return ReasonBelowFloor, fmt.Sprintf("accessToken.renewBefore is %s; this operator allows no less than %s", renewBefore, l.MinRenewBefore)
	default:
		return "", ""
	}
}
