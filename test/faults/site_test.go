package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// Who there is in every tenant. The secret guards nothing.
const (
	user         = "alice"
	clientID     = "billing"
	clientSecret = "open sesame"
)

// workers is how many objects are applied at a time.
const workers = 16

// site is an installation of a test's own, beside the others in the cluster.
type site struct {
	release operator.Release
	options operator.Options
	// seen has recorded every Secret that was written in the tenants.
	seen *stage.Recorder
	dir  string // outlives the replicas
	logs []string
}

var sites atomic.Int64

// newSite makes the tenants, one where none is named, and installs the chart.
func newSite(t *testing.T, name string, tenants ...string) *site {
	t.Helper()
	name = fmt.Sprintf("%s-%d", name, sites.Add(1))
	release := operator.Release{Name: operator.DefaultName + "-" + name, Namespace: operator.DefaultName + "-" + name}
	for _, tenant := range append(tenants, "team")[:max(1, len(tenants))] {
		release.Tenants = append(release.Tenants, tenant+"-"+name)
	}
	s := &site{release: release, dir: t.TempDir()}
	for _, tenant := range release.Tenants {
		s.apply(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tenant}})
	}
	if err := operator.Install(t.Context(), cp.Kubeconfig, release); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel)
	var err error
	if s.seen, err = stage.Record(ctx, cp.Config, release.Tenants...); err != nil {
		t.Fatal(err)
	}
	s.options = operator.Options{
		Release: release, Binary: binary,
		BaseURL: "https://localhost", // one for all replicas, as behind a Service
		Flags:   []string{"--min-ttl=10s", "--min-renew-before=2s", "--serving-names=127.0.0.1"},
	}
	t.Cleanup(func() { s.checkLogs(t) })
	return s
}

// tenant is the site's first one, whose routes are at the root.
func (s *site) tenant() string { return s.release.Tenants[0] }

// through lets a replica reach the API server by way of a proxy.
func through(p *stage.Proxy) func(*operator.Options) {
	return func(o *operator.Options) { o.APIServer, o.APIServerCA = p.URL(), p.CA() }
}

// over lets a replica reach the API server over a line.
func over(l *stage.Line) func(*operator.Options) {
	return func(o *operator.Options) { o.APIServer = l.URL() }
}

// launch starts a replica and returns at once. It is killed at the end of the test.
func (s *site) launch(t *testing.T, mods ...func(*operator.Options)) *operator.Operator {
	t.Helper()
	options := s.options
	options.Dir = filepath.Join(s.dir, strconv.Itoa(len(s.logs)))
	if err := os.Mkdir(options.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, mod := range mods {
		mod(&options)
	}
	o, err := operator.Launch(t.Context(), cp, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Kill)
	s.logs = append(s.logs, o.Log)
	return o
}

// start starts a replica and waits until it is ready.
func (s *site) start(t *testing.T, mods ...func(*operator.Options)) *operator.Operator {
	t.Helper()
	o := s.launch(t, mods...)
	if err := o.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return o
}

// checkLogs looks for what no fault excuses. Of a test that has failed it shows the last errors.
func (s *site) checkLogs(t *testing.T) {
	t.Helper()
	for _, path := range s.logs {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		if t.Failed() {
			var errs [][]byte
			for line := range bytes.Lines(log) {
				if bytes.Contains(line, []byte(`"level":"ERROR"`)) {
					errs = append(errs, line)
				}
			}
			t.Logf("%d errors in %s, of which the last:\n%s", len(errs), path, bytes.Join(errs[max(0, len(errs)-10):], nil))
		}
		for _, never := range []string{"Observed a panic", "panic:", "DATA RACE"} {
			if at := bytes.Index(log, []byte(never)); at >= 0 {
				t.Errorf("the operator's log tells of %q: %.2000s", never, log[at:])
			}
		}
	}
}

// apply creates the objects in this order.
func (s *site) apply(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := admin.Create(t.Context(), object); err != nil {
			t.Fatalf("create %T %q: %v", object, object.GetName(), err)
		}
	}
}

// populate applies alice and billing to a tenant.
func (s *site) populate(t *testing.T, tenant string) {
	t.Helper()
	for _, object := range []client.Object{
		gen.ClientSecret(clientID, clientSecret),
		gen.AuthUser(user, gen.UserScopes("orders:*")),
		gen.AuthClient(clientID, gen.EveryGrantType(), gen.ClientScopes("orders:*")),
	} {
		s.apply(t, gen.In(tenant, object))
	}
}

// grant is billing's to act for alice. Its id is its own in the whole cluster.
func grant(tenant, name string, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	own := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = gen.GrantID(tenant + "/" + name) }
	mods = append([]func(*v1alpha1.RefreshTokenGrant){own, gen.GrantScopes("orders:read"), gen.Target(name)}, mods...)
	return gen.In(tenant, gen.RefreshTokenGrant(name, mods...))
}

// lifetime sets how long the grant's tokens live and when they are replaced.
func lifetime(ttl, renewBefore time.Duration) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{
			TTL: new(v1alpha1.Duration(ttl.String())), RenewBefore: new(v1alpha1.Duration(renewBefore.String())),
		}
	}
}

// grants applies many, several at a time: name-0 and so on.
func (s *site) grants(t *testing.T, tenant, name string, n int, mods func(i int) []func(*v1alpha1.RefreshTokenGrant)) (all []*v1alpha1.RefreshTokenGrant) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(workers)
	for i := range n {
		g := grant(tenant, fmt.Sprintf("%s-%d", name, i), mods(i)...)
		all = append(all, g)
		group.Go(func() error { return admin.Create(ctx, g) })
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("apply the grants: %v", err)
	}
	return all
}

// each gives every grant the same modifiers.
func each(mods ...func(*v1alpha1.RefreshTokenGrant)) func(int) []func(*v1alpha1.RefreshTokenGrant) {
	return func(int) []func(*v1alpha1.RefreshTokenGrant) { return mods }
}

// awaitReady waits until each object says that its present spec is in place.
func awaitReady[T client.Object](t *testing.T, objects ...T) {
	t.Helper()
	for _, object := range objects {
		stage.AwaitReady(t, admin, object)
	}
}

// secretOf reads the Secret of a grant.
func secretOf(t *testing.T, g *v1alpha1.RefreshTokenGrant) *corev1.Secret {
	t.Helper()
	name, _ := g.TargetName()
	secret := &corev1.Secret{}
	if err := admin.Get(t.Context(), client.ObjectKey{Namespace: g.Namespace, Name: name}, secret); err != nil {
		t.Fatalf("read Secret %q: %v", name, err)
	}
	return secret
}

// secretsOf are the Secrets of a tenant that hold tokens, by grant id.
func secretsOf(t *testing.T, tenant string) map[string]*corev1.Secret {
	t.Helper()
	list := &corev1.SecretList{}
	if err := admin.List(t.Context(), list, client.InNamespace(tenant), client.MatchingLabels{v1alpha1.LabelCredential: v1alpha1.CredentialOutput}); err != nil {
		t.Fatal(err)
	}
	all := map[string]*corev1.Secret{}
	for i := range list.Items {
		if id := list.Items[i].Annotations[v1alpha1.AnnotationGrantID]; id != "" {
			all[id] = &list.Items[i]
		}
	}
	return all
}

// eventually is controlplane.Eventually with the package's patience.
func eventually(t *testing.T, check func(context.Context) error) {
	t.Helper()
	controlplane.Eventually(t, stage.Patience, check)
}

// since is how long ago something was, as figures show it.
func since(start time.Time) time.Duration { return time.Since(start).Round(time.Millisecond) }

// isStatusWrite tells the write of a status from every other request.
func isStatusWrite(r *http.Request) bool {
	return r.Method == http.MethodPatch && strings.HasSuffix(stage.Resource(r), "/status")
}

// isSecretUpdate tells the rotation of a Secret.
func isSecretUpdate(r *http.Request) bool {
	return r.Method == http.MethodPut && stage.Resource(r) == "secrets"
}
