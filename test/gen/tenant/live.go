package tenant

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// patience bounds every wait. Only a test that fails reaches it.
const patience = 30 * time.Second

// OnAPIServer is a tenant whose service writes to a real API server, and whose directory is fed by
// informers.
type OnAPIServer struct {
	*Tenant
	// Client reads and writes past the cache, as a person would.
	Client client.Client
	// Writes counts what the service has written, or tried to.
	Writes *atomic.Int64

	line *line
	seen toolscache.Indexer
}

// Live makes a tenant in a fresh namespace and waits until its informers have synced. All of it
// ends with the test.
func Live(t testing.TB, cp *controlplane.ControlPlane) *OnAPIServer {
	t.Helper()
	return in(t, cp, cp.Namespace(t))
}

// Replica makes another service of the tenant, with a directory, a line and a clock of its own: it
// shares with the first what the API server has, and the keyring.
func (x *OnAPIServer) Replica(t testing.TB, cp *controlplane.ControlPlane) *OnAPIServer {
	t.Helper()
	return in(t, cp, x.Namespace)
}

func in(t testing.TB, cp *controlplane.ControlPlane, namespace string) *OnAPIServer {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatalf("add to the scheme: %v", err)
		}
	}
	x := &OnAPIServer{Client: connect(t, cp.Config, scheme), Writes: &atomic.Int64{}, line: &line{}}
	ofService := rest.CopyConfig(cp.Config)
	ofService.Dial = x.line.dial
	kubernetes := store.NewKubernetes(counting(connect(t, ofService, scheme), x.Writes))
	x.Tenant = newTenant(t, namespace, rand.Reader, func(config *issuing.Config) {
		live := store.NewLive(kubernetes, config.Clock)
		sessions := store.NewSessions(config.Directory, kubernetes, live, config.Clock)
		sessions.Seen = func(string) toolscache.Indexer { return x.seen }
		config.Store, config.Live, config.Sessions = kubernetes, live, sessions
	})
	x.follow(t, cp, x.Namespace)
	return x
}

// Neighbour makes a second namespace, which the directory follows as it does the tenant's, and names
// it.
func (x *OnAPIServer) Neighbour(t testing.TB, cp *controlplane.ControlPlane) string {
	t.Helper()
	namespace := cp.Namespace(t)
	x.follow(t, cp, namespace)
	x.Directory.MarkRead(namespace, Forever)
	return namespace
}

// Cut takes the API server away from the service, and from nobody else.
func (x *OnAPIServer) Cut() { x.line.cut() }

func connect(t testing.TB, config *rest.Config, scheme *runtime.Scheme) client.WithWatch {
	t.Helper()
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	return c
}

// counting passes everything on and counts the writes.
func counting(to client.WithWatch, writes *atomic.Int64) client.Client {
	return interceptor.NewClient(to, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			writes.Add(1)
			return c.Create(ctx, object, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			writes.Add(1)
			return c.Update(ctx, object, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			writes.Add(1)
			return c.Patch(ctx, object, patch, options...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			writes.Add(1)
			return c.Delete(ctx, object, options...)
		},
	})
}

// follow feeds the directory as the operator does: every kind of ours, and Secrets with our label.
func (x *OnAPIServer) follow(t testing.TB, cp *controlplane.ControlPlane, namespace string) {
	t.Helper()
	labelled, err := labels.NewRequirement(v1alpha1.LabelCredential, selection.Exists, nil)
	if err != nil {
		t.Fatalf("select labelled Secrets: %v", err)
	}
	informers, err := cache.New(cp.Config, cache.Options{
		Scheme:            x.Client.Scheme(),
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		NewInformer:       x.newInformer,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:    {Label: labels.NewSelector().Add(*labelled)},
			&corev1.Namespace{}: {Field: fields.OneTermEqualSelector("metadata.name", namespace)},
		},
	})
	if err != nil {
		t.Fatalf("make the cache: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- informers.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run the cache: %v", err)
		}
	})
	feeder := x.Directory.Feeder(func(string) bool { return false })
	var read []func() bool
	for _, kind := range directory.FedKinds() {
		informer, err := informers.GetInformer(t.Context(), kind, cache.BlockUntilSynced(false))
		if err != nil {
			t.Fatalf("watch %T: %v", kind, err)
		}
		fed, err := informer.AddEventHandler(feeder)
		if err != nil {
			t.Fatalf("feed the directory with %T: %v", kind, err)
		}
		read = append(read, fed.HasSynced)
	}
	for _, kind := range read {
		x.Await(t, "the directory has read all there is", kind)
	}
}

// newInformer makes an informer, and keeps what that of sessions has seen, as the operator does.
func (x *OnAPIServer) newInformer(list toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	informer := toolscache.NewSharedIndexInformer(list, example, resync, indexers)
	if _, ok := example.(*v1alpha1.AuthSession); ok && x.seen == nil {
		utilruntime.Must(informer.AddIndexers(store.SessionIndexers()))
		x.seen = informer.GetIndexer()
	}
	return informer
}

// Create creates objects in this tenant and waits until the directory has them. What the API server
// fills in stands in the object afterwards.
func (x *OnAPIServer) Create(t testing.TB, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := x.Client.Create(t.Context(), gen.In(x.Namespace, object)); err != nil {
			t.Fatalf("create %T %q: %v", object, object.GetName(), err)
		}
	}
	for _, object := range objects {
		x.AwaitVersion(t, object)
	}
}

// Update writes an object that was created or read before and waits until the directory has it.
func (x *OnAPIServer) Update(t testing.TB, object client.Object) {
	t.Helper()
	if err := x.Client.Update(t.Context(), object); err != nil {
		t.Fatalf("update %T %q: %v", object, object.GetName(), err)
	}
	x.AwaitVersion(t, object)
}

// Delete deletes an object and waits until it has left the directory.
func (x *OnAPIServer) Delete(t testing.TB, object client.Object) {
	t.Helper()
	if err := x.Client.Delete(t.Context(), object); err != nil {
		t.Fatalf("delete %T %q: %v", object, object.GetName(), err)
	}
	x.Await(t, fmt.Sprintf("%T %q has left the directory", object, object.GetName()), func() bool {
		return x.row(t, object) == nil
	})
}

// Grants are the tenant's grants as the API server has them.
func (x *OnAPIServer) Grants(t testing.TB) []v1alpha1.RefreshTokenGrant {
	t.Helper()
	grants := &v1alpha1.RefreshTokenGrantList{}
	if err := x.Client.List(t.Context(), grants, client.InNamespace(x.Namespace)); err != nil {
		t.Fatalf("list the grants: %v", err)
	}
	return grants.Items
}

// Sessions are the tenant's sessions as the API server has them.
func (x *OnAPIServer) Sessions(t testing.TB) []v1alpha1.AuthSession {
	t.Helper()
	sessions := &v1alpha1.AuthSessionList{}
	if err := x.Client.List(t.Context(), sessions, client.InNamespace(x.Namespace)); err != nil {
		t.Fatalf("list the sessions: %v", err)
	}
	return sessions.Items
}

// AwaitVersion waits until the directory has an object as it stands here.
func (x *OnAPIServer) AwaitVersion(t testing.TB, object client.Object) {
	t.Helper()
	x.Await(t, fmt.Sprintf("the directory has %T %q", object, object.GetName()), func() bool {
		row := x.row(t, object)
		return row != nil && row.GetResourceVersion() == object.GetResourceVersion()
	})
}

// row is what the directory has for an object; nil where there is nothing.
func (x *OnAPIServer) row(t testing.TB, object client.Object) client.Object {
	t.Helper()
	rows, name := x.Rows(t), object.GetName()
	switch object.(type) {
	case *v1alpha1.AuthTenant:
		if settings, ok := rows.AuthTenant(); ok {
			return settings
		}
	case *v1alpha1.AuthUser:
		if user, ok := rows.User(name); ok {
			return user.AuthUser
		}
	case *v1alpha1.AuthClient:
		if c, ok := rows.Client(name); ok {
			return c.AuthClient
		}
	case *v1alpha1.RefreshTokenGrant:
		if grant, ok := rows.Grant(name); ok {
			return grant.RefreshTokenGrant
		}
	case *v1alpha1.AuthSession:
		if session, ok := rows.Session(name); ok {
			return session
		}
	case *v1alpha1.TokenRevocation:
		if revocation, ok := rows.Revocation(name); ok {
			return revocation
		}
	case *corev1.Secret:
		if secret, ok := rows.Secret(name); ok {
			return secret
		}
	default:
		t.Fatalf("a directory holds no %T", object)
	}
	return nil
}

// Await polls for what another goroutine is about to do.
func (x *OnAPIServer) Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	controlplane.Eventually(t, patience, func(context.Context) error {
		if !done() {
			return fmt.Errorf("%s: not yet", what)
		}
		return nil
	})
}
