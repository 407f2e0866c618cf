package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
)

// tenancy reads one namespace, or in cluster mode all of them, into the directory. It stands by
// itself: where a namespace cannot be read, or not any more, it answers 503 and the others go on.
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
	// view and keyrings tell how old that may be which is known of the namespace and of all keyrings.
	view, keyrings *view

	settled atomic.Bool
	// standing is what was last told of the namespace.
	standing standing
}

// standing is whether a namespace is served.
type standing int

const (
	unread standing = iota
	served
	stale
	lost
)

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
	tenants := t.awaitReadable(ctx)
	if tenants == nil {
		return nil
	}
	synced, err := t.feed(ctx, tenants.GetCache())
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() {
		<-t.served
		stop()
	})
	ended := make(chan error, 1)
	go func() { ended <- tenants.Start(following) }()
	if toolscache.WaitForCacheSync(ctx.Done(), synced...) { // false where the context ended
		t.tenants = tenants
		t.follow(following)
	}
	return <-ended
}

// follow keeps telling the directory until when it may rely on what it knows.
func (t *tenancy) follow(ctx context.Context) {
	for {
		_ = t.view.look(ctx) // what it was not told shows in what it knows
		t.mark()
		select {
		case <-ctx.Done():
			return
		case <-t.clock.After(lookInterval):
		}
	}
}

// mark tells the directory how things stand, and the log where that has changed.
func (t *tenancy) mark() {
	now, asOf := t.judge()
	switch now {
	case unread:
		return
	case lost:
		t.directory.MarkLost(t.namespace)
	case served, stale:
		t.directory.MarkRead(t.namespace, asOf.Add(t.options.MaxStaleness))
	}
	before := t.standing
	if t.standing = now; before == now {
		return
	}
	switch now {
	case lost:
		t.log.Info("The namespace, or the operator's own, may not be read any more; nothing is issued or checked there until it may")
	case stale:
		t.log.Info("What is known of the namespace is too old; nothing is issued or checked there until it is known again", "asOf", asOf)
	case served:
		t.log.Info("The namespace has been read")
	}
	if before == unread {
		t.settled.Store(true)
		close(t.read)
	}
}

// judge tells how the namespace stands, and of what time everything is known: there and of the
// keyrings.
func (t *tenancy) judge() (standing, time.Time) {
	asOf, gone := t.view.asOf()
	keysAsOf, keysGone := t.keyrings.asOf()
	now := t.clock.Now()
	if freshness.Age(now, keysAsOf) > freshness.Age(now, asOf) {
		asOf = keysAsOf
	}
	switch {
	case asOf.IsZero():
		return unread, asOf
	case gone || keysGone:
		return lost, asOf
	case freshness.Age(now, asOf) >= t.options.MaxStaleness:
		return stale, asOf
	}
	return served, asOf
}

// cacheOptions keep out of memory what nobody looks at: Secrets without our label, namespaces that are
// no tenants of this reader, and the record of who wrote which field. A namespace is selected by its
// name, which is how RBAC lets one be listed and no other.
func (t *tenancy) cacheOptions() cache.Options {
	options := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}:        {Label: hasCredential()},
			&v1alpha1.AuthSession{}: {Transform: trimSession},
		},
	}
	if t.namespace != "" {
		options.DefaultNamespaces = map[string]cache.Config{t.namespace: {}}
		options.ByObject[&corev1.Namespace{}] = cache.ByObject{Field: fields.OneTermEqualSelector("metadata.name", t.namespace)}
	}
	t.view.follow(&options)
	return options
}

func hasCredential() labels.Selector {
	selector, err := labels.Parse(v1alpha1.LabelCredential)
	if err != nil {
		panic(err) // a constant that is a label key
	}
	return selector
}

// feed lets the directory follow the namespace. What it returns tells when everything there has been
// taken in.
func (t *tenancy) feed(ctx context.Context, informers cache.Cache) (synced []toolscache.InformerSynced, err error) {
	feeder := t.directory.Feeder(func(namespace string) bool { return !t.options.isTenant(namespace) })
	for _, kind := range directory.FedKinds() {
		informer, err := informers.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %T in namespace %q: %w", kind, t.namespace, err)
		}
		registration, err := informer.AddEventHandler(feeder)
		if err != nil {
			return nil, fmt.Errorf("watch %T in namespace %q: %w", kind, t.namespace, err)
		}
		synced = append(synced, registration.HasSynced)
	}
	return synced, nil
}

// awaitReadable asks until the namespace may be read: an informer that may not list tries forever and
// tells nobody. It returns nil where the context ended.
func (t *tenancy) awaitReadable(ctx context.Context) cluster.Cluster {
	var tenants cluster.Cluster
	for {
		err := t.open(ctx, &tenants)
		if err == nil {
			return tenants
		}
		if refused(err) {
			t.directory.MarkLost(t.namespace)
			t.settled.Store(true)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.clock.After(askRetry):
		}
	}
}

// open makes the namespace's cache and its informers, which are not started, and asks about each: what
// they read later is at least as new as the answers. It goes on where it failed before.
func (t *tenancy) open(ctx context.Context, tenants *cluster.Cluster) error {
	if err := t.prepare(ctx, tenants); err != nil {
		t.view.tell(err)
		return err
	}
	return t.view.look(ctx)
}

func (t *tenancy) prepare(ctx context.Context, tenants *cluster.Cluster) error {
	if *tenants == nil {
		opened, err := cluster.New(t.config, func(o *cluster.Options) {
			o.Scheme = t.scheme
			o.Logger = t.log
			o.Cache = t.cacheOptions()
		})
		if err != nil {
			return fmt.Errorf("open the namespace: %w", err)
		}
		*tenants = opened
	}
	for _, kind := range directory.FedKinds() {
		if _, err := (*tenants).GetCache().GetInformer(ctx, kind, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
	}
	return nil
}
