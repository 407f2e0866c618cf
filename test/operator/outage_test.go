package operator_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// outage is longer than a leader may go without renewing its lease.
const outage = 20 * time.Second

func TestWhileTheAPIServerIsAwaySelfContainedTokensGoOn(t *testing.T) {
	t.Parallel()
	release := ownRelease("outage")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t)
	options.APIServer = line.url()
	s := sceneIn(release.Tenants[0])
	s.apply(t, s.user(), s.client(gen.EveryGrantType()))
	replica := startReplica(t, options)
	before := s.grantNamed("before")
	s.apply(t, before)
	awaitReady(t, before)
	c := newCaller(t, secretOf(t, before))
	credential := secretNamed(t, s.namespace, s.name("billing-client")).Data

	line.cut()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for end := time.After(outage); ; {
		answer := c.form(t, string(credential[v1alpha1.KeyClientID]), string(credential[v1alpha1.KeyClientSecret]),
			url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}, 200)
		if answer["access_token"] == nil {
			t.Fatal("no token")
		}
		if err := operator.Ready(t.Context(), replica.URL); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ticker.C:
			continue
		case <-end:
		}
		break
	}

	line.restore()
	after := s.grantNamed("after")
	s.apply(t, after)
	awaitReady(t, after)
}

func TestANamespaceThatIsMadeAgainIsAnotherTenant(t *testing.T) {
	t.Parallel()
	release := ownRelease("again")
	options, err := install(t.Context(), t.TempDir(), release)
	if err != nil {
		t.Fatal(err)
	}
	startReplica(t, options)
	settle := func() (*v1alpha1.RefreshTokenGrant, string) {
		s := sceneIn(release.Tenants[0])
		g := s.grant()
		s.apply(t, s.user(), s.client(), g)
		awaitReady(t, g)
		return g, string(secretOf(t, g).Data[v1alpha1.KeyAccessToken])
	}
	_, first := settle()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[0]}}
	if err := admin.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		again := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release.Tenants[0]}}
		return admin.Create(ctx, again) // fails until the old one has gone
	})
	if err := operator.Install(t.Context(), cp.Kubeconfig, release); err != nil {
		t.Fatal(err) // the Role went with the namespace
	}

	g, _ := settle()
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		secret := &corev1.Secret{}
		name, _ := g.TargetName()
		if err := admin.Get(ctx, client.ObjectKey{Namespace: g.Namespace, Name: name}, secret); err != nil {
			return err
		}
		if keyOf(string(secret.Data[v1alpha1.KeyAccessToken])) == keyOf(first) {
			return fmt.Errorf("the token is signed with the old tenant's key")
		}
		return nil
	})
	keyrings := &corev1.SecretList{}
	if err := admin.List(t.Context(), keyrings, client.InNamespace(release.Namespace), client.MatchingLabels{v1alpha1.LabelTenant: release.Tenants[0]}); err != nil {
		t.Fatal(err)
	}
	if len(keyrings.Items) != 2 {
		t.Errorf("%d keyrings, want the old one, kept aside, and the new one", len(keyrings.Items))
	}
}

// keyOf is the header of a JWT, which names the key.
func keyOf(token string) string {
	header, _, _ := strings.Cut(token, ".")
	return header
}

// line is a connection to the API server that can be cut.
type line struct {
	listener net.Listener
	target   string

	mu   sync.Mutex
	down bool
	open map[net.Conn]bool
}

func newLine(t *testing.T) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, target: strings.TrimPrefix(cp.Config.Host, "https://"), open: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = listener.Close()
		l.cut()
	})
	go l.accept()
	return l
}

func (l *line) url() string { return "https://" + l.listener.Addr().String() }

// cut breaks every connection, and every new one at once.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for conn := range l.open {
		_ = conn.Close()
	}
}

func (l *line) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed at the end of the test
		}
		far, err := net.Dial("tcp", l.target)
		if err != nil || !l.keep(near, far) {
			_ = near.Close()
			continue
		}
		go l.carry(near, far)
		go l.carry(far, near)
	}
}

// keep remembers a connection's two ends, so that they can be cut; false where the line is down.
func (l *line) keep(near, far net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = far.Close()
		return false
	}
	l.open[near], l.open[far] = true, true
	return true
}

func (l *line) carry(from, to net.Conn) {
	_, _ = io.Copy(to, from) // until either end is closed
	_, _ = from.Close(), to.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, from)
}
