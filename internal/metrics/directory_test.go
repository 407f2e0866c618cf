package metrics

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// delivered is a grant whose Secret holds a token until then, and whose next one is due or not.
func delivered(end time.Time, due bool, ready metav1.ConditionStatus, reason string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.Target = &v1alpha1.GrantTarget{}
		g.Status.TokenID, g.Status.NotAfter = "a token", &metav1.Time{Time: end}
		if due {
			g.Status.RenewalTime = &metav1.Time{Time: end.Add(-time.Minute)}
		}
		g.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: ready, Reason: reason}}
	}
}

func TestADirectoryTellsHowThingsStand(t *testing.T) {
	t.Parallel()
	d, registry := directory.New(), prometheus.NewRegistry()
	if err := RegisterDirectory(registry, d, []string{"team-a", "team-b"}, clocktesting.NewFakePassiveClock(noon)); err != nil {
		t.Fatal(err)
	}
	ring := keystest.Ring(t, "team-a", "https://auth.example.com")
	d.SetRing("team-a", ring, nil)
	d.SetRing("team-b", nil, errors.New("torn"))
	d.SetRing("forgotten", nil, directory.ErrNoKeyring)
	d.MarkRead("team-a", noon.Add(time.Hour))
	first := noon.Add(time.Hour)
	for name, mod := range map[string]func(*v1alpha1.RefreshTokenGrant){
		"first":     delivered(first, true, metav1.ConditionTrue, v1alpha1.ReasonIssued),
		"second":    delivered(first.Add(time.Minute), true, metav1.ConditionTrue, v1alpha1.ReasonIssued),
		"final":     delivered(noon.Add(time.Minute), false, metav1.ConditionTrue, v1alpha1.ReasonIssued),
		"suspended": delivered(noon, false, metav1.ConditionFalse, v1alpha1.ReasonSuspended),
		"new":       func(*v1alpha1.RefreshTokenGrant) {},
	} {
		d.Put(gen.In("team-a", gen.RefreshTokenGrant(name, mod)))
	}
	d.Put(gen.In("team-b", gen.AuthUser("alice")))

	want := map[string]float64{
		"namespace_readable namespace=team-a":          1,
		"keyring_readable tenant=team-a":               1,
		"grants ready=True reason=Issued":              3,
		"grants ready=False reason=Suspended":          1,
		"grants ready=Unknown reason=Pending":          1,
		"mounted_tokens state=Valid":                   3,
		"mounted_tokens state=Expired":                 1,
		"token_expiry_timestamp_seconds tenant=team-a": float64(first.Unix()),
		"directory_rows kind=RefreshTokenGrant":        5,
		"directory_rows kind=AuthUser":                 1,
	}
	for _, algorithm := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
		if key, err := ring.Signer(algorithm); err == nil {
			want["signing_key_created_timestamp_seconds algorithm="+string(algorithm)+" tenant=team-a"] = float64(key.CreatedAt.Unix())
		}
	}
	same(t, registry, want)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == KeyringReadable.Name && len(family.GetMetric()) != 2 {
			t.Errorf("%d tenants with or without a keyring, want the two that are in use: %v", len(family.GetMetric()), family.GetMetric())
		}
		if family.GetName() == NamespaceReadable.Name && len(family.GetMetric()) != 2 {
			t.Errorf("%d namespaces, want the two that are watched", len(family.GetMetric()))
		}
	}
}

func TestAllNamespacesAreReadAtOnce(t *testing.T) {
	t.Parallel()
	d, registry := directory.New(), prometheus.NewRegistry()
	if err := RegisterDirectory(registry, d, []string{""}, clocktesting.NewFakePassiveClock(noon)); err != nil {
		t.Fatal(err)
	}
	d.MarkRead("", noon.Add(time.Hour))
	same(t, registry, map[string]float64{"namespace_readable namespace=*": 1})
}

func BenchmarkScrapeOf10000Grants(b *testing.B) {
	d, registry := directory.New(), prometheus.NewRegistry()
	if err := RegisterDirectory(registry, d, []string{"team-a"}, clocktesting.NewFakePassiveClock(noon)); err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		g := gen.RefreshTokenGrant("grant", delivered(noon.Add(time.Hour), true, metav1.ConditionTrue, v1alpha1.ReasonIssued))
		g.Name = time.Duration(i).String()
		d.Put(gen.In("team-a", g))
	}
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
