package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Delivery counts what becomes of the Secrets of grants. Its methods may be called at once from many
// goroutines, and on nil. An API server is written to for each of them, so nothing is resolved ahead.
type Delivery struct {
	written, failed *prometheus.CounterVec
	repaired        prometheus.Counter
}

// NewDelivery makes and registers the counters.
func NewDelivery(registry prometheus.Registerer) (*Delivery, error) {
	d := &Delivery{
		written:  RevisionsWritten.CounterVec(),
		failed:   DeliveryFailures.CounterVec(),
		repaired: SecretsRepaired.Counter(),
	}
	return d, register(registry, d.written, d.failed, d.repaired)
}

// Written counts a new token in a Secret, for a reason of package revision.
func (d *Delivery) Written(reason string) {
	if d != nil {
		d.written.WithLabelValues(reason).Inc()
	}
}

// Repaired counts a Secret that was brought back to the token it ought to hold.
func (d *Delivery) Repaired() {
	if d != nil {
		d.repaired.Inc()
	}
}

// told are the answers of an API server that tell a person where to look.
var told = []metav1.StatusReason{
	metav1.StatusReasonForbidden, metav1.StatusReasonInvalid, metav1.StatusReasonConflict,
	metav1.StatusReasonTooManyRequests, metav1.StatusReasonTimeout, metav1.StatusReasonInternalError,
}

// Failed counts an attempt that failed.
func (d *Delivery) Failed(err error) {
	if d == nil {
		return
	}
	reason := apierrors.ReasonForError(err)
	if !slices.Contains(told, reason) {
		reason = "Other"
	}
	d.failed.WithLabelValues(string(reason)).Inc()
}
