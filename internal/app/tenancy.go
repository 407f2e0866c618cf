package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// probeInterval is how long to wait before a namespace that could not be read is tried again.
const probeInterval = 10 * time.Second

// tenancy reads one namespace, or in cluster mode all of them, into the directory. It stands by
// itself: where a namespace cannot be read, it answers 503 and the others go on.
type tenancy struct {
	namespace string // empty: all
	config    *rest.Config
	scheme    *runtime.Scheme
	options   *Options
	directory *directory.Directory
	clock     clock.WithTicker
	log       logr.Logger
	// served is closed when the endpoint has answered its last request: until then it answers from
	// what is read here.
	served <-chan struct{}
	// read is closed once the namespace has been read into the directory, and tenants is set then.
	read    chan struct{}
	tenants cluster.Cluster

	settled atomic.Bool
}

// ready tells why the namespace is not settled: it is once it has been read, or once the API
// server has said that it may not be.
func (t *tenancy) ready() error {
	if !t.settled.Load() {
		return fmt.Errorf("namespace %q has not been read yet", t.namespace)
	}
	return nil
}

// await waits until the namespace has been read; false where the context ended before.
func (t *tenancy) await(ctx context.Context) (cluster.Cluster, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case <-t.read:
		return t.tenants, true
	}
}

// NeedLeaderElection tells the manager that every replica reads.
func (t *tenancy) NeedLeaderElection() bool { return false }

// Start reads the namespace, however long that takes, and follows it until the endpoint has answered
// its last request.
func (t *tenancy) Start(ctx context.Context) error {
	if !t.awaitReadable(ctx) {
		return nil
	}
	tenants, err := cluster.New(t.config, func(o *cluster.Options) {
		o.Scheme = t.scheme
		o.Logger = t.log
		o.Cache = t.cacheOptions()
	})
	if err != nil {
		return fmt.Errorf("open namespace %q: %w", t.namespace, err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() {
		<-t.served
		stop()
	})
	ended := make(chan error, 1)
	go func() { ended <- tenants.Start(following) }()
	if err := t.feed(ctx, tenants.GetCache()); err != nil {
		return err
	}
	if ctx.Err() == nil {
		t.tenants = tenants
		t.directory.MarkRead(t.namespace)
		t.settled.Store(true)
		close(t.read)
		t.log.Info("The namespace has been read")
	}
	return <-ended
}

// cacheOptions keep out of memory what nobody looks at: Secrets without our label, and the record
// of who wrote which field.
func (t *tenancy) cacheOptions() cache.Options {
	options := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject:         map[client.Object]cache.ByObject{&corev1.Secret{}: {Label: hasCredential()}},
	}
	if t.namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{t.namespace: {}}
	}
	return options
}

func hasCredential() labels.Selector {
	selector, err := labels.Parse(v1alpha1.LabelCredential)
	if err != nil {
		panic(err) // a constant that is a label key
	}
	return selector
}

// feed lets the directory follow the namespace, and returns once it knows everything there.
func (t *tenancy) feed(ctx context.Context, informers cache.Cache) error {
	feeder := t.directory.Feeder(func(namespace string) bool { return !t.options.isTenant(namespace) })
	var synced []toolscache.InformerSynced
	for _, kind := range directory.FedKinds() {
		informer, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("watch %T in namespace %q: %w", kind, t.namespace, err)
		}
		registration, err := informer.AddEventHandler(feeder)
		if err != nil {
			return fmt.Errorf("watch %T in namespace %q: %w", kind, t.namespace, err)
		}
		synced = append(synced, registration.HasSynced)
	}
	toolscache.WaitForCacheSync(ctx.Done(), synced...) // false where the context ended
	return nil
}

// awaitReadable asks until the namespace may be read. It returns false where the context ended.
func (t *tenancy) awaitReadable(ctx context.Context) bool {
	for {
		err := t.probe(ctx)
		if err == nil {
			return true
		}
		if refused(err) {
			t.settled.Store(true)
		}
		t.log.Error(err, "The namespace cannot be read; it is tried again")
		select {
		case <-ctx.Done():
			return false
		case <-t.clock.After(probeInterval):
		}
	}
}

// refused tells an answer of the API server from its silence.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}

// probe lists one object of each kind that is to be watched: an informer that may not list tries
// forever and tells nobody.
func (t *tenancy) probe(ctx context.Context) error {
	direct, err := client.New(t.config, client.Options{Scheme: t.scheme})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	for _, kind := range directory.FedKinds() {
		gvk, err := apiutil.GVKForObject(kind, t.scheme)
		if err != nil {
			return fmt.Errorf("find the kind: %w", err)
		}
		gvk.Kind += "List"
		list, err := t.scheme.New(gvk)
		if err != nil {
			return fmt.Errorf("make a list: %w", err)
		}
		options := []client.ListOption{client.InNamespace(t.namespace), client.Limit(1)}
		if _, isSecret := kind.(*corev1.Secret); isSecret {
			options = append(options, client.MatchingLabelsSelector{Selector: hasCredential()})
		}
		if err := direct.List(ctx, list.(client.ObjectList), options...); err != nil { //nolint:forcetypeassert // a list kind
			return fmt.Errorf("list %s: %w", gvk.Kind, err)
		}
	}
	return nil
}
