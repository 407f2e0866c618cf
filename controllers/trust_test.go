package controllers_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

// authorities are the bundle of a young authority, and the same with its successor published at a time.
func authorities(t *testing.T, published time.Time, hold time.Duration) (before, after []byte) {
	t.Helper()
	wanted := certificates.Wanted{DNSNames: []string{"localhost"}, Hold: hold}
	born := published.Add(-certificates.AuthorityLifetime / 3 * 2)
	one, _, err := certificates.Settle(rand.Reader, nil, wanted, born)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := certificates.Settle(rand.Reader, one, wanted, published)
	if err != nil {
		t.Fatal(err)
	}
	return one.Trusted(), two.Trusted()
}

func TestAChangedBundleReachesEachSecretInTimeAndNotAllAtOnce(t *testing.T) {
	t.Parallel()
	const many, hold = 24, 24 * time.Hour
	before, after := authorities(t, tenant.Start, hold)
	objects := []client.Object{gen.AuthUser("alice", gen.UserScopes("orders:*")), gen.AuthClient("billing", gen.ClientScopes("orders:*"))}
	grants := make([]*v1alpha1.RefreshTokenGrant, many)
	for i := range grants {
		name := fmt.Sprintf("grant-%d", i)
		grants[i] = gen.RefreshTokenGrant(name, gen.Target(name), gen.GrantScopes("orders:read"), func(g *v1alpha1.RefreshTokenGrant) {
			g.Spec.AccessToken = &v1alpha1.GrantAccessToken{TTL: new(v1alpha1.Duration("23h"))}
		})
		objects = append(objects, grants[i])
	}
	x := newRoom(t, objects...)
	x.grants.Hold = hold
	x.Directory.SetTrust(before)
	for _, g := range grants {
		x.settle(t, g)
	}
	x.Directory.SetTrust(after)
	var written int64
	for hour := range 13 {
		was := x.updated.Load()
		for _, g := range grants {
			_, result := x.settle(t, g)
			if result.RequeueAfter <= 0 || result.RequeueAfter > 2*time.Minute {
				t.Fatalf("looks again after %s", result.RequeueAfter)
			}
		}
		if now := x.updated.Load() - was; now > many/2 {
			t.Errorf("%d of %d Secrets were written in hour %d", now, many, hour)
		}
		written += x.updated.Load() - was
		x.Clock.Step(time.Hour)
	}
	if told := len(x.events.Events); told != 0 {
		t.Errorf("%d Events tell of it", told)
	}
	if written != many {
		t.Errorf("%d Secrets were written in all, want each once", written)
	}
	for _, g := range grants {
		secret := x.secretOf(g)
		if x.deliver(t, secret); string(secret.Data[v1alpha1.KeyCABundle]) != string(after) {
			t.Fatalf("the Secret of %s has the bundle of before, %s after the change", g.Name, x.Clock.Since(tenant.Start))
		}
	}
}

func TestARenewalAndASecretThatIsMadeAgainTakeTheNewBundleAlong(t *testing.T) {
	t.Parallel()
	const hold = 24 * time.Hour
	before, after := authorities(t, tenant.Start, hold)
	g, objects := issuing()
	x := newRoom(t, objects...)
	x.grants.Hold = hold
	x.Directory.SetTrust(before)
	x.settle(t, g)
	x.Directory.SetTrust(after)
	secret, _ := x.settle(t, g)
	if string(secret.Data[v1alpha1.KeyCABundle]) != string(before) {
		t.Fatal("the Secret was written at once")
	}
	x.ask(t, g, "please")
	x.Clock.Step(time.Second)
	if secret, _ = x.settle(t, g); string(secret.Data[v1alpha1.KeyCABundle]) != string(after) {
		t.Error("the next token came with the bundle of before")
	}
	// Whoever takes an authority out of the Secret finds it back at once, but for the newest.
	secret.Data[v1alpha1.KeyCABundle] = []byte("nobody's bundle")
	if err := x.client.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, secret)
	if secret, _ = x.settle(t, g); string(secret.Data[v1alpha1.KeyCABundle]) != string(after) {
		t.Error("a vandalized bundle was left")
	}
}
