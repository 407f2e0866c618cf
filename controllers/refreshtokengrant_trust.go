package controllers

import (
	"bytes"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/revision"
)

// distribution remembers which CA bundle was wanted before the present one. It is lost with the
// process: whoever still holds the one before gets the present one at once then, unless only a new
// authority is missing. The zero value is ready for use.
type distribution struct {
	mu   sync.Mutex
	last certificates.Distribution
}

// of is how the wanted bundle reaches those who hold another one.
func (d *distribution) of(wanted []byte, hold time.Duration, now time.Time) certificates.Distribution {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !bytes.Equal(d.last.Wanted, wanted) {
		d.last = certificates.Distribution{Wanted: wanted, Previous: d.last.Wanted, Changed: now, Hold: hold}
	}
	return d.last
}

// bundle is the CA bundle that the Secret shall hold: before it is known, the one that it holds. One
// that has changed goes with the next token, or at the grant's own moment if that is earlier: to write
// all Secrets at once would keep the API server from renewing tokens.
func (d *delivery) bundle(observed *corev1.Secret, action revision.Action) []byte {
	if observed == nil || d.trustKnown && action != revision.ActionKeep {
		return d.trust
	}
	held := observed.Data[d.grant.Spec.Target.EffectiveKeys().CABundle]
	if !d.trustKnown {
		return held
	}
	spread := d.distribution.of(d.trust, d.Hold, d.now)
	until, keeps := spread.Keeps(held, d.grant.Spec.ID, d.now)
	if !keeps {
		d.bundleDue = !until.IsZero()
		return d.trust
	}
	d.bundleAt = until
	return held
}
