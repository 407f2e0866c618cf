package faults_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/app"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// shift is how far the operator's clock is set.
const shift = 2 * time.Hour

// clockPatience is longer than the two minutes after which the operator looks at the clock again,
// whatever its timers say.
const clockPatience = 150 * time.Second

// setClock is a clock that can be set. Timers and tickers run as ever: so it is on a machine.
type setClock struct {
	clock.RealClock
	offset atomic.Int64
}

func (c *setClock) set(offset time.Duration) { c.offset.Store(int64(offset)) }

// Now is the real time and the offset.
func (c *setClock) Now() time.Time { return c.RealClock.Now().Add(time.Duration(c.offset.Load())) }

// Since is by this clock.
func (c *setClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

// TestAClockThatIsSetBringsNothingBackAndStartsNoStorm runs the operator within the test's process, and
// sets its clock two hours back, right again, two hours ahead, and right again.
func TestAClockThatIsSetBringsNothingBackAndStartsNoStorm(t *testing.T) {
	t.Parallel()
	s := newSite(t, "clock")
	s.populate(t, s.tenant())
	wall := &setClock{}
	d := &dial{site: s, replica: s.runHere(t, wall)}

	hour := s.grants(t, s.tenant(), "hour", 20, each())
	day := s.grants(t, s.tenant(), "day", 20, each(lifetime(6*shift/2, 5*shift/2)))
	d.all = append(hour, day...)
	awaitReady(t, d.all...)
	d.caller = newCaller(t, secretOf(t, hour[0]), d.replica, "")
	d.revoked = d.revoke(t, hour[0])
	before := secretsOf(t, s.tenant())

	wall.set(-shift)
	d.keepsEverything(t, "two hours back", before)
	behind := d.appliedNow(t, "behind")
	meanwhile := map[string]*corev1.Secret{behind.Spec.ID: secretOf(t, behind)}
	d.mustCount(t, "two hours back", meanwhile[behind.Spec.ID], true)
	d.mustCount(t, "two hours back", before[hour[1].Spec.ID], false) // its nbf lies ahead
	wall.set(0)
	right := time.Now()
	d.keepsEverything(t, "right again", before)
	d.awaitRenewed(t, meanwhile)
	recovered := since(right)
	d.mustCount(t, "right again", before[hour[1].Spec.ID], true)
	figure(t, "clock: −2h: tokens issued again, of 40", 0)
	figure(t, "clock: −2h and right again: until a token made meanwhile was replaced (at most 2m)", recovered)

	replaced := map[string]*corev1.Secret{behind.Spec.ID: secretOf(t, behind)}
	wall.set(shift)
	forward := time.Now()
	d.awaitRenewed(t, before)
	renewed := since(forward)
	d.awaitRenewed(t, replaced)
	figure(t, "clock: +2h: until all 40 tokens, of which 20 had expired, were renewed (at most 2m)", renewed)
	ahead := secretsOf(t, s.tenant())
	for id, secret := range ahead {
		if !expiry(t, secret).After(wall.Now()) {
			t.Errorf("the token of grant %s has expired by the operator's clock", id)
		}
	}
	d.touchRevocations(t) // the sweeper looks again
	d.mustCount(t, "two hours ahead", d.revoked, false)
	d.mustCount(t, "two hours ahead", ahead[day[0].Spec.ID], true)
	d.mustCount(t, "two hours ahead", before[day[0].Spec.ID], true)
	wall.set(0)
	delete(ahead, behind.Spec.ID)
	d.keepsEverything(t, "right again after two hours ahead", ahead)
	d.mustCount(t, "right again after two hours ahead", before[day[0].Spec.ID], true)
	after := d.appliedNow(t, "after")
	d.mustCount(t, "right again after two hours ahead", secretOf(t, after), true)
	d.mustCount(t, "right again after two hours ahead", ahead[hour[1].Spec.ID], false) // its nbf lies ahead
	figure(t, "clock: revisions of each of 40 grants in all", len(s.seen.All())/len(d.all))
	asked := hour[1]
	stage.Edit(t, admin, asked, func(g *v1alpha1.RefreshTokenGrant) {
		g.Annotations[v1alpha1.AnnotationRenewRequested] = "its token is not valid yet"
	})
	d.awaitRenewed(t, map[string]*corev1.Secret{asked.Spec.ID: ahead[asked.Spec.ID]})
	d.mustCount(t, "asked for", secretOf(t, asked), true)
}

// runHere runs the operator in this process until the test ends, under the chart's RBAC.
func (s *site) runHere(t *testing.T, clock clock.WithTicker) *operator.Operator {
	t.Helper()
	config, err := cp.ServiceAccountConfig(t.Context(), s.release.Namespace, s.release.Name)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var options app.Options
	flags := flag.NewFlagSet("grantkeeper", flag.ContinueOnError)
	options.AddFlags(flags)
	err = flags.Parse(append([]string{
		"--operator-namespace=" + s.release.Namespace,
		"--namespaces=" + strings.Join(s.release.Tenants, ","),
		"--default-tenant=" + s.tenant(),
		"--base-url=" + s.options.BaseURL,
		"--health-probe-bind-address=0", "--metrics-bind-address=0", "--drain-delay=0s", "--audit-log=off",
	}, s.options.Flags...))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.dir, "here.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.logs = append(s.logs, log.Name())
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Surroundings{
			Config: config, Listener: listener, Clock: clock, Log: logr.FromSlogHandler(slog.NewJSONHandler(log, nil)),
		}, &options)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended: %v", err)
		}
		_ = log.Close()
	})
	here := &operator.Operator{URL: "https://" + listener.Addr().String()}
	eventually(t, func(ctx context.Context) error { return operator.Ready(ctx, here.URL) })
	return here
}

// dial is a site whose clock is set.
type dial struct {
	*site
	replica *operator.Operator
	caller  *caller
	all     []*v1alpha1.RefreshTokenGrant
	revoked *corev1.Secret // holds a token that was revoked; it must never count again
}

// revoke ends a grant's token, and waits for the next one.
func (d *dial) revoke(t *testing.T, g *v1alpha1.RefreshTokenGrant) *corev1.Secret {
	t.Helper()
	dead := secretOf(t, g)
	before := map[string]*corev1.Secret{g.Spec.ID: dead}
	form := url.Values{"token": {string(dead.Data[v1alpha1.KeyAccessToken])}}
	if status, _, err := d.caller.post(t.Context(), "/revoke", form); status != http.StatusOK {
		t.Fatalf("revoke: %d, %v", status, err)
	}
	d.awaitRenewed(t, before)
	return dead
}

func (d *dial) touchRevocations(t *testing.T) {
	t.Helper()
	list := &v1alpha1.TokenRevocationList{}
	if err := admin.List(t.Context(), list, client.InNamespace(d.tenant())); err != nil || len(list.Items) == 0 {
		t.Fatalf("%d revocations: %v", len(list.Items), err)
	}
	for i := range list.Items {
		d.touch(t, &list.Items[i], "two hours ahead")
	}
}

// touch makes the operator look at an object.
func (d *dial) touch(t *testing.T, object client.Object, why string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/looked-at":%q}}}`, why)
	if err := admin.Patch(t.Context(), object, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		t.Fatal(err)
	}
}

// keepsEverything makes the operator look at every grant, and holds it to writing no Secret.
func (d *dial) keepsEverything(t *testing.T, when string, before map[string]*corev1.Secret) {
	t.Helper()
	for _, g := range d.all {
		d.touch(t, g.DeepCopy(), when)
	}
	canary := d.appliedNow(t, "canary-"+strings.ReplaceAll(when, " ", "-")) // looked at after all others
	if err := admin.Delete(t.Context(), canary); err != nil {
		t.Fatal(err)
	}
	now := secretsOf(t, d.tenant())
	for id, secret := range before {
		if now[id].ResourceVersion != secret.ResourceVersion {
			t.Errorf("%s: the token of %q was issued again", when, secret.Name)
		}
	}
	d.mustCount(t, when, d.revoked, false)
}

func (d *dial) appliedNow(t *testing.T, name string) *v1alpha1.RefreshTokenGrant {
	t.Helper()
	g := grant(d.tenant(), name)
	d.apply(t, g)
	awaitReady(t, g)
	return g
}

// awaitRenewed waits until every one of these Secrets holds another token.
func (d *dial) awaitRenewed(t *testing.T, before map[string]*corev1.Secret) {
	t.Helper()
	controlplane.Eventually(t, clockPatience, func(context.Context) error {
		now := d.seen.Currents()
		for id, secret := range before {
			if now[id].Token == string(secret.Data[v1alpha1.KeyAccessToken]) {
				return fmt.Errorf("the token of %q has not been renewed", secret.Name)
			}
		}
		return nil
	})
}

// mustCount asks whether a token counts until the answer is the one that is wanted: a replica that
// finds what it knows to be old by its clock looks again first.
func (d *dial) mustCount(t *testing.T, when string, secret *corev1.Secret, want bool) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		active, err := d.caller.active(ctx, secret.Data[v1alpha1.KeyAccessToken])
		if err != nil {
			return err
		}
		if active != want {
			return fmt.Errorf("%s: the token of %q is active: %t, want %t", when, secret.Name, active, want)
		}
		return nil
	})
}
