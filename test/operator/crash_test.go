package operator_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

const (
	crashes        = 10
	grantsPerCrash = 5
)

// TestNoCrashMakesASecondTokenOrAGap kills the operator again and again, each time after a random
// number of its writes, while grants are applied, edited and renewed and their Secrets deleted.
func TestNoCrashMakesASecondTokenOrAGap(t *testing.T) {
	t.Parallel()
	r := newRuin(t)
	r.apply(t, r.user(), r.client())
	for round := range crashes {
		o, err := operator.Launch(t.Context(), cp, r.options)
		if err != nil {
			t.Fatal(err)
		}
		before := len(r.seen.All())
		r.disturb(t, round)
		r.awaitWrites(t, before+1+rand.IntN(2*grantsPerCrash))
		o.Kill()
		r.noneExpired(t)
	}
	o, err := operator.Start(t.Context(), cp, r.options)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range r.grants {
		awaitReady(t, g)
	}
	o.Kill()
	r.nothingIsIssuedAfterARestart(t)
	r.noneExpired(t)
	r.seen.Check(t)
}

// ruin is a tenant of an operator that is killed.
type ruin struct {
	*scene
	options operator.Options
	seen    *stage.Recorder
	grants  []*v1alpha1.RefreshTokenGrant
}

func newRuin(t *testing.T) *ruin {
	t.Helper()
	release := ownRelease("crash")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	// Whoever is killed holds the lease for a while; that is for the test of two replicas.
	options.Flags = append(options.Flags, "--leader-elect=false")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	recorder, err := stage.Record(ctx, cp.Config, release.Tenants...)
	if err != nil {
		t.Fatal(err)
	}
	return &ruin{scene: sceneIn(release.Tenants[0]), options: options, seen: recorder}
}

// disturb does what people do meanwhile.
func (r *ruin) disturb(t *testing.T, round int) {
	t.Helper()
	for i := range grantsPerCrash {
		mods := []func(*v1alpha1.RefreshTokenGrant){lifetime("1h", "20m")}
		switch i {
		case 0, 1: // renewed every five seconds or so, a minute before they expire
			mods[0] = lifetime("65s", "60s")
		case 2:
			mods = append(mods, formats["of a reference token"])
		}
		g := r.grantNamed(fmt.Sprintf("grant-%d-%d", round, i), mods...)
		r.apply(t, g)
		r.grants = append(r.grants, g)
	}
	for _, g := range r.grants[:len(r.grants)-grantsPerCrash] {
		switch rand.IntN(6) {
		case 0:
			scope := fmt.Sprintf("orders:%d", round)
			edit(t, g.DeepCopy(), func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{scope} })
		case 1:
			r.deleteSecret(t, g)
		}
	}
}

// deleteSecret deletes a Secret whose token status knows. Of a token that no status knows yet the
// Secret is the only record.
func (r *ruin) deleteSecret(t *testing.T, g *v1alpha1.RefreshTokenGrant) {
	t.Helper()
	known, secret := &v1alpha1.RefreshTokenGrant{}, &corev1.Secret{}
	name, _ := g.TargetName()
	errs := errors.Join(
		admin.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: name}, secret),
		admin.Get(t.Context(), client.ObjectKeyFromObject(g), known),
	)
	if errs != nil || number(secret.Annotations[v1alpha1.AnnotationRevision]) != int(known.Status.Revision) {
		return
	}
	// Where it has changed meanwhile it stays.
	_ = admin.Delete(t.Context(), secret, client.Preconditions{UID: &secret.UID, ResourceVersion: &secret.ResourceVersion})
}

// awaitWrites waits until so many revisions have been seen in all.
func (r *ruin) awaitWrites(t *testing.T, want int) {
	t.Helper()
	controlplane.Eventually(t, patience, func(context.Context) error {
		if found := len(r.seen.All()); found < want {
			return fmt.Errorf("%d revisions, want %d", found, want)
		}
		return nil
	})
}

func (r *ruin) noneExpired(t *testing.T) {
	t.Helper()
	now := time.Now()
	for grantID, token := range r.seen.Currents() {
		if !now.Before(token.ExpiresAt) {
			t.Errorf("the token of grant %s has expired", grantID)
		}
	}
}

// nothingIsIssuedAfterARestart looks at the grants that need no renewal for a long time.
func (r *ruin) nothingIsIssuedAfterARestart(t *testing.T) {
	t.Helper()
	before := map[string]string{}
	for _, g := range r.grants {
		if *g.Spec.AccessToken.TTL == "1h" {
			before[g.Name] = secretOf(t, g).ResourceVersion
		}
	}
	o, err := operator.Start(t.Context(), cp, r.options)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Kill()
	// What is applied last is looked at last.
	last := r.grantNamed("last", gen.GrantScopes("orders:last"))
	r.apply(t, last)
	awaitReady(t, last)
	written := 0
	for _, g := range r.grants {
		if version, kept := before[g.Name]; kept && secretOf(t, g).ResourceVersion != version {
			written++
		}
	}
	if written != 0 {
		t.Errorf("%d of %d Secrets were written after a restart, want none", written, len(before))
	}
}
