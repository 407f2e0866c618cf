package wazo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// world is what the HTTP tests of this package share: an API server, and a directory that follows
// what the endpoint writes there. Each test has a namespace, and so a tenant, of its own.
type world struct {
	*controlplane.ControlPlane
	client    client.Client
	directory *directory.Directory
	stop      context.CancelFunc
}

// theWorld starts when the first test asks for it: a fuzzing process never does.
var theWorld = sync.OnceValues(newWorld)

var started *world

func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		started.stop()
		if err := started.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

func newWorld() (*world, error) {
	cp, err := controlplane.Start(context.Background(), controlplane.Options{CRDs: true})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	started = &world{ControlPlane: cp, directory: directory.New(), stop: cancel}
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	if started.client, err = client.New(cp.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	return started, started.follow(ctx, scheme)
}

// follow feeds the directory with what the endpoint writes, as the operator does.
func (w *world) follow(ctx context.Context, scheme *runtime.Scheme) error {
	informers, err := cache.New(w.Config, cache.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	go informers.Start(ctx)
	feeder := w.directory.Feeder(func(string) bool { return false })
	for _, kind := range []client.Object{&v1alpha1.AuthSession{}, &v1alpha1.RefreshTokenGrant{}, &v1alpha1.TokenRevocation{}, &v1alpha1.AuthUser{}, &corev1.Secret{}} {
		informer, err := informers.GetInformer(ctx, kind)
		if err != nil {
			return err
		}
		registration, err := informer.AddEventHandler(feeder)
		if err != nil {
			return err
		}
		if !toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			return errors.New("the cache did not sync")
		}
	}
	return nil
}
