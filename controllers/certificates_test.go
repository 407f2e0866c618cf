package controllers_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmanager "sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// certificatesRoom is one test with a namespace and a controller of certificates whose clock stands
// still.
type certificatesRoom struct {
	*testing.T
	plane      *controlplane.ControlPlane
	client     client.Client
	controller *controllers.Certificates
	clock      *clocktesting.FakeClock
	events     *events.FakeRecorder
}

func newCertificatesRoom(t *testing.T, cp *controlplane.ControlPlane) *certificatesRoom {
	t.Helper()
	c, err := client.New(cp.Config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fake := clocktesting.NewFakeClock(time.Now())
	recorder := events.NewFakeRecorder(100)
	return &certificatesRoom{T: t, plane: cp, client: c, clock: fake, events: recorder, controller: &controllers.Certificates{
		Secret: client.ObjectKey{Namespace: cp.Namespace(t), Name: "serving"},
		Wanted: certificates.Wanted{
			DNSNames:  []string{"grantkeeper.example.com"},
			Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
			Hold:      24 * time.Hour,
		},
		Reader:  c,
		Secrets: secretwriter.New(c, c),
		Events:  recorder,
		Clock:   fake,
		Rand:    rand.Reader,
	}}
}

func (r *certificatesRoom) reconcile() reconcile.Result {
	r.Helper()
	result, err := r.controller.Reconcile(r.Context(), reconcile.Request{})
	if err != nil {
		r.Fatalf("Reconcile: %v", err)
	}
	return result
}

func (r *certificatesRoom) secret() *corev1.Secret {
	r.Helper()
	secret := &corev1.Secret{}
	if err := r.client.Get(r.Context(), r.controller.Secret, secret); err != nil {
		r.Fatal(err)
	}
	return secret
}

// change edits the Secret as a person might.
func (r *certificatesRoom) change(edit func(*corev1.Secret)) *corev1.Secret {
	r.Helper()
	secret := r.secret()
	edit(secret)
	if err := r.client.Update(r.Context(), secret); err != nil {
		r.Fatal(err)
	}
	return secret
}

// told takes the events that were recorded.
func (r *certificatesRoom) told() []string {
	var told []string
	for len(r.events.Events) > 0 {
		told = append(told, <-r.events.Events)
	}
	return told
}

// stale reads from a cache that has not heard of anything.
type stale struct{ client.Reader }

func (stale) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(corev1.Resource("secrets"), key.Name)
}

func parse(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatal("no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	for name, test := range map[string]func(*certificatesRoom){
		"are made where there are none":               certificatesAreMade,
		"are left alone while nothing is due":         certificatesAreLeftAlone,
		"are renewed in time":                         certificatesAreRenewed,
		"follow the names that are wanted":            certificatesFollowNames,
		"are repaired where they can be derived":      certificatesAreRepaired,
		"are not replaced where they are damaged":     certificatesAreNotReplaced,
		"keep off a Secret of somebody else":          certificatesKeepOff,
		"are not made twice by a leader with no news": certificatesAreNotMadeTwice,
		"are served by every replica":                 certificatesAreServed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newCertificatesRoom(t, cp))
		})
	}
}

func certificatesAreMade(r *certificatesRoom) {
	result := r.reconcile()
	secret := r.secret()
	if secret.Type != corev1.SecretTypeTLS || secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialServing || len(secret.OwnerReferences) > 0 {
		r.Errorf("type %q, labels %v, owners %v", secret.Type, secret.Labels, secret.OwnerReferences)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(secret.Data[certificates.DataTrusted])
	for _, name := range []string{"grantkeeper.example.com", "127.0.0.1"} {
		_, err := parse(r.T, secret.Data[certificates.DataServingCertificate]).Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
		if err != nil {
			r.Error(err)
		}
	}
	if result.RequeueAfter != time.Hour {
		r.Errorf("looks again after %s", result.RequeueAfter)
	}
	want := []string{"Normal CreateAuthority there is none yet", "Normal IssueServing the authority has signed none yet"}
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.Errorf("events (-want +got):\n%s", diff)
	}
}

func certificatesAreLeftAlone(r *certificatesRoom) {
	r.reconcile()
	before := r.secret()
	r.told()
	r.clock.Step(60*24*time.Hour - 90*time.Second)
	result := r.reconcile()
	if after := r.secret(); after.ResourceVersion != before.ResourceVersion {
		r.Error("the Secret was written")
	}
	// Certificates count whole seconds.
	if result.RequeueAfter > 90*time.Second || result.RequeueAfter < 89*time.Second {
		r.Errorf("looks again after %s", result.RequeueAfter)
	}
	if told := r.told(); len(told) > 0 {
		r.Errorf("events %v", told)
	}
}

func certificatesAreRenewed(r *certificatesRoom) {
	r.reconcile()
	before := r.secret()
	r.told()
	r.clock.Step(60 * 24 * time.Hour)
	r.reconcile()
	after := r.secret()
	if string(after.Data["tls.crt"]) == string(before.Data["tls.crt"]) || string(after.Data["tls.key"]) == string(before.Data["tls.key"]) {
		r.Error("the serving certificate or its key is the old one")
	}
	if diff := cmp.Diff(before.Data["ca.crt"], after.Data["ca.crt"]); diff != "" {
		r.Errorf("what clients trust has changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Normal IssueServing two thirds of the certificate's life are over"}, r.told()); diff != "" {
		r.Errorf("events (-want +got):\n%s", diff)
	}
}

func certificatesFollowNames(r *certificatesRoom) {
	r.reconcile()
	r.controller.Wanted.DNSNames = []string{"auth.example.com"}
	r.reconcile()
	if diff := cmp.Diff([]string{"auth.example.com"}, parse(r.T, r.secret().Data["tls.crt"]).DNSNames); diff != "" {
		r.Errorf("names (-want +got):\n%s", diff)
	}
}

func certificatesAreRepaired(r *certificatesRoom) {
	r.reconcile()
	before := r.secret()
	r.change(func(s *corev1.Secret) {
		s.Data[certificates.DataTrusted] = []byte("edited")
		s.Labels["example.com/team"] = "platform"
	})
	r.reconcile()
	after := r.secret()
	if diff := cmp.Diff(before.Data, after.Data); diff != "" {
		r.Errorf("data (-before +after):\n%s", diff)
	}
	if after.Labels["example.com/team"] != "platform" {
		r.Error("a label of somebody else is gone")
	}
}

func certificatesAreNotReplaced(r *certificatesRoom) {
	r.reconcile()
	r.told()
	const canary = "c4n4ry-s3cr3t"
	damaged := r.change(func(s *corev1.Secret) { s.Data["authority.key"] = []byte(canary) })
	_, err := r.controller.Reconcile(r.Context(), reconcile.Request{})
	if !errors.Is(err, reconcile.TerminalError(nil)) || strings.Contains(err.Error(), canary) {
		r.Errorf("Reconcile: %v", err)
	}
	if after := r.secret(); after.ResourceVersion != damaged.ResourceVersion {
		r.Error("the Secret was written")
	}
	want := []string{fmt.Sprintf(`Warning Unreadable Certificates are left as they are: read Secret %q: data key "authority.key": not a PEM block of type "PRIVATE KEY"`, r.controller.Secret)}
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.Errorf("events (-want +got):\n%s", diff)
	}
}

func certificatesKeepOff(r *certificatesRoom) {
	foreign := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.controller.Secret.Namespace, Name: r.controller.Secret.Name},
		Data:       map[string][]byte{"theirs": []byte("x")},
	}
	if err := r.client.Create(r.Context(), foreign); err != nil {
		r.Fatal(err)
	}
	for name, reader := range map[string]client.Reader{"a cache that shows it": r.client, "a cache that does not": stale{}} {
		r.controller.Reader = reader
		if result := r.reconcile(); result.RequeueAfter != 30*time.Second {
			r.Errorf("with %s: looks again after %s", name, result.RequeueAfter)
		}
		if after := r.secret(); after.ResourceVersion != foreign.ResourceVersion {
			r.Errorf("with %s: the Secret was written", name)
		}
		want := []string{`Warning TargetConflict Secret "serving" exists and was not written by this operator for this object; it is left untouched; ` +
			"if nobody needs it, delete it to have it written anew: kubectl delete secret -n " + r.controller.Secret.Namespace + " serving"}
		if diff := cmp.Diff(want, r.told()); diff != "" {
			r.Errorf("with %s: events (-want +got):\n%s", name, diff)
		}
	}
}

func certificatesAreNotMadeTwice(r *certificatesRoom) {
	r.reconcile()
	before := r.secret()
	r.told()
	r.controller.Reader = stale{}
	r.reconcile()
	if after := r.secret(); after.ResourceVersion != before.ResourceVersion {
		r.Error("the Secret was written")
	}
	if told := r.told(); len(told) > 0 {
		r.Errorf("events %v", told)
	}
}

// certificatesAreServed runs the controller under a manager, and beside it what a replica does.
func certificatesAreServed(r *certificatesRoom) {
	key := r.controller.Secret
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		r.Fatal(err)
	}
	manager, err := ctrl.NewManager(r.plane.Config, ctrl.Options{
		Scheme:  scheme,
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{key.Namespace: {}}},
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	if err != nil {
		r.Fatal(err)
	}
	r.controller.Reader, r.controller.Clock = manager.GetClient(), clock.RealClock{}
	keep := func(ctx context.Context) error { return r.controller.Run(ctx, manager.GetCache()) }
	if err := manager.Add(ctrlmanager.RunnableFunc(keep)); err != nil {
		r.Fatal(err)
	}
	served := &endpoint.Certificate{}
	if err := served.Follow(r.Context(), manager.GetCache(), key); err != nil {
		r.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.Fatal(err)
	}
	server := endpoint.NewServer(listener, http.NotFoundHandler(), served, endpoint.NewHealth(logr.Discard()), endpoint.ServerOptions{Clock: clock.RealClock{}})
	if err := manager.Add(server); err != nil {
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	r.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			r.Error(err)
		}
	})

	// dial shakes hands as a client does that trusts what the Secret says at that moment.
	dial := func(ctx context.Context) error {
		secret, roots := &corev1.Secret{}, x509.NewCertPool()
		if err := r.client.Get(ctx, key, secret); err != nil {
			return err
		}
		roots.AppendCertsFromPEM(secret.Data[certificates.DataTrusted])
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: roots})
		if err != nil {
			return err
		}
		return conn.Close()
	}
	controlplane.Eventually(r, time.Minute, dial)
	first := r.secret()
	if err := r.client.Delete(r.Context(), first); err != nil {
		r.Fatal(err)
	}
	controlplane.Eventually(r, time.Minute, dial)
	if r.secret().UID == first.UID {
		r.Error("the Secret is still the old one")
	}
}
