package metrics

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// RegisterDirectory registers the gauges that tell what a directory holds and how the grants in it
// stand, in the moment they are asked. namespaces are those that are watched; the empty one stands
// for all.
func RegisterDirectory(registry prometheus.Registerer, d *directory.Directory, namespaces []string, clock clock.PassiveClock) error {
	return register(registry, &standing{directory: d, namespaces: namespaces, clock: clock})
}

// standing is the collector. It walks the grants of all tenants, which for 10,000 takes milliseconds,
// and keeps nothing between two scrapes.
type standing struct {
	directory  *directory.Directory
	namespaces []string
	clock      clock.PassiveClock
}

var (
	grantsDesc            = Grants.Desc()
	mountedTokensDesc     = MountedTokens.Desc()
	tokenExpiryDesc       = TokenExpiry.Desc()
	keyringReadableDesc   = KeyringReadable.Desc()
	signingKeyCreatedDesc = SigningKeyCreated.Desc()
	namespaceReadableDesc = NamespaceReadable.Desc()
	directoryRowsDesc     = DirectoryRows.Desc()
)

// Describe implements prometheus.Collector.
func (s *standing) Describe(descriptions chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		grantsDesc, mountedTokensDesc, tokenExpiryDesc, keyringReadableDesc, signingKeyCreatedDesc, namespaceReadableDesc, directoryRowsDesc,
	} {
		descriptions <- desc
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	now := s.clock.Now()
	for _, namespace := range s.namespaces {
		gauge(namespaceReadableDesc, flag(s.directory.Known(namespace, now) == nil), NamespaceLabel(namespace))
	}
	rows, grants, mounted := map[directory.Kind]int{}, map[grantState]int{}, map[string]int{"Valid": 0, "Expired": 0}
	for _, namespace := range s.directory.Namespaces() {
		t, ok := s.directory.Tenant(namespace)
		if !ok {
			continue
		}
		for kind, count := range t.Counts() {
			rows[kind] += count
		}
		tellKeys(t, gauge)
		first := time.Time{}
		for _, g := range t.Grants() {
			grants[stateOf(g)]++
			countToken(g, now, mounted, &first)
		}
		if !first.IsZero() {
			gauge(tokenExpiryDesc, float64(first.Unix()), namespace)
		}
	}
	for kind, count := range rows {
		gauge(directoryRowsDesc, float64(count), string(kind))
	}
	for state, count := range grants {
		gauge(grantsDesc, float64(count), state.ready, state.reason)
	}
	for state, count := range mounted {
		gauge(mountedTokensDesc, float64(count), state)
	}
}

// tellKeys tells of a tenant that it has keys, or that it lacks them: a namespace that is not in use
// needs none.
func tellKeys(t *directory.Tenant, gauge func(desc *prometheus.Desc, value float64, labels ...string)) {
	ring, err := t.Ring()
	if err == nil || t.InUse() {
		gauge(keyringReadableDesc, flag(err == nil), t.Namespace())
	}
	if err != nil {
		return
	}
	for _, algorithm := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
		if key, err := ring.Signer(algorithm); err == nil {
			gauge(signingKeyCreatedDesc, float64(key.CreatedAt.Unix()), t.Namespace(), string(algorithm))
		}
	}
}

type grantState struct{ ready, reason string }

func stateOf(g *directory.Grant) grantState {
	condition := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionReady)
	if condition == nil {
		return grantState{string(metav1.ConditionUnknown), v1alpha1.ReasonPending}
	}
	return grantState{string(condition.Status), condition.Reason}
}

// countToken counts the token in a grant's Secret, and notes when the first expires of those that
// are to be renewed before: a renewal stays in status while it fails, and goes when none is due.
func countToken(g *directory.Grant, now time.Time, mounted map[string]int, first *time.Time) {
	if g.Spec.Target == nil || g.Status.TokenID == "" || g.Status.NotAfter == nil {
		return
	}
	end := g.Status.NotAfter.Time
	if now.Before(end) {
		mounted["Valid"]++
	} else {
		mounted["Expired"]++
	}
	if g.Status.RenewalTime != nil && (first.IsZero() || end.Before(*first)) {
		*first = end
	}
}

// NamespaceLabel is what a watched namespace is called in a label; the empty one stands for all.
func NamespaceLabel(namespace string) string { return cmp.Or(namespace, "*") }

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
