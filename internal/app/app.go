package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keyrings"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/store/redisstore"
)

// app is the operator while it is put together.
type app struct {
	options   *Options
	config    *rest.Config
	scheme    *runtime.Scheme
	manager   ctrl.Manager
	directory *directory.Directory
	issuing   *issuing.Service
	accounts  *accounts.Service
	clock     clock.WithTicker
	log       logr.Logger
	tenancies []*tenancy
	leading   *leading
	observing observing
	keyrings  func() bool // whether all keyrings have been read
	// elsewhere keeps the sessions where Kubernetes does not; else it is nil.
	elsewhere *redisstore.Sessions
	// ownView tells how old that may be which is known of the operator's own namespace.
	ownView *view
	// served is closed when the endpoint has answered its last request.
	served chan struct{}
}

// Surroundings are what a replica runs in.
type Surroundings struct {
	// Config reaches the API server.
	Config *rest.Config
	// Listener is what the endpoint serves on; it is closed at the end.
	Listener net.Listener
	// Clock tells the time of tokens, certificates and caches. How long to wait is measured by the
	// process's own timers, and the lease is kept by these alone.
	Clock clock.WithTicker
	Log   logr.Logger
}

// Run runs the operator until the context ends: the endpoint at once, the controllers when this
// replica leads.
func Run(ctx context.Context, in Surroundings, options *Options) error {
	a := &app{
		options:   options,
		config:    rest.CopyConfig(in.Config),
		scheme:    runtime.NewScheme(),
		directory: directory.New(),
		clock:     in.Clock,
		log:       in.Log,
		served:    make(chan struct{}),
	}
	ctx = logr.NewContext(ctx, in.Log)
	// The API server's own fairness is the limit; a limit in the client only makes a queue of it.
	a.config.QPS = -1
	defer a.closeAudit()
	defer a.closeSessions()
	for _, step := range []func(context.Context) error{a.addScheme, a.addObserving, a.addManager, a.addIssuing, a.addKeyrings, a.addLeading, a.addTenancies, a.addMetrics} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := a.addEndpoint(ctx, in.Listener); err != nil {
		return err
	}
	return a.manager.Start(ctx)
}

func (a *app) addScheme(context.Context) error {
	return errors.Join(clientgoscheme.AddToScheme(a.scheme), v1alpha1.AddToScheme(a.scheme))
}

// addManager makes the manager, whose cache holds the operator's own Secrets and nothing else.
func (a *app) addManager(context.Context) error {
	a.ownView = a.newView(a.options.OperatorNamespace)
	own := cache.Options{
		DefaultNamespaces: map[string]cache.Config{a.options.OperatorNamespace: {}},
		DefaultTransform:  cache.TransformStripManagedFields(),
		ByObject:          map[client.Object]cache.ByObject{&corev1.Secret{}: {Label: hasCredential()}},
	}
	a.ownView.follow(&own)
	manager, err := ctrl.NewManager(a.config, ctrl.Options{
		Scheme:                 a.scheme,
		Logger:                 a.log,
		HealthProbeBindAddress: a.options.HealthBindAddress,
		Metrics: metricsserver.Options{
			BindAddress:    a.options.MetricsBindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		Cache: own,
	})
	if err != nil {
		return fmt.Errorf("make the manager: %w", err)
	}
	a.manager = manager
	return nil
}

func (a *app) addIssuing(context.Context) error {
	direct, err := client.New(a.config, client.Options{Scheme: a.scheme})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	verifier, err := passwords.New(a.clock, rand.Reader, passwords.Options{})
	if err != nil {
		return fmt.Errorf("prepare for passwords: %w", err)
	}
	kubernetes := store.NewKubernetes(direct)
	live := store.NewLive(kubernetes, a.clock)
	live.Counts = a.observing.live
	sessions, err := a.openSessions(kubernetes, live)
	if err != nil {
		return err
	}
	a.issuing = issuing.New(issuing.Config{
		Directory:     a.directory,
		Store:         kubernetes,
		Live:          live,
		Sessions:      sessions,
		Passwords:     verifier,
		DefaultTenant: a.options.DefaultTenant,
		Limits: revision.Limits{
			MinTTL:         a.options.MinTTL,
			MinRenewBefore: a.options.MinRenewBefore,
			MaxJWTTTL:      a.options.MaxJWTTTL,
		},
		Clock:   a.clock,
		Rand:    rand.Reader,
		Log:     a.log.WithName("issuing"),
		Audit:   a.observing.audit,
		Metrics: a.observing.tokens,
	})
	a.accounts = accounts.New(accounts.Config{
		Directory: a.directory,
		Store:     kubernetes,
		Live:      live,
		Secrets:   secretwriter.New(direct, direct),
		Passwords: verifier,
		Logins:    a.issuing,
		Clock:     a.clock,
		Rand:      rand.Reader,
		Audit:     a.observing.audit,
	})
	return a.addReadings(verifier)
}

func (a *app) addKeyrings(ctx context.Context) error {
	follower := keyrings.NewFollower(a.directory, a.uidOf, a.log.WithName("keyrings"))
	synced, err := follower.Follow(ctx, a.manager.GetCache())
	if err != nil {
		return err
	}
	a.keyrings = synced
	// What is read once the manager starts is at least as new as this answer. Without one it takes a
	// minute until that is known.
	_ = a.ownView.look(ctx)
	if err := errors.Join(a.manager.Add(follower), a.manager.Add(a.ownView)); err != nil {
		return fmt.Errorf("add the view of the keyrings: %w", err)
	}
	return nil
}

// uidOf reads the uid that a namespace has now; empty where it is gone, or no tenant here. Its keyring
// stays all the same.
func (a *app) uidOf(ctx context.Context, name string) (types.UID, error) {
	if !a.options.isTenant(name) {
		return "", nil
	}
	namespace := &corev1.Namespace{}
	if err := a.manager.GetAPIReader().Get(ctx, types.NamespacedName{Name: name}, namespace); client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("read namespace %q: %w", name, err)
	}
	return namespace.UID, nil
}

// seenSessions is what the watch of a namespace's sessions has brought.
func (a *app) seenSessions(namespace string) toolscache.Indexer {
	for _, t := range a.tenancies {
		if t.namespace == "" || t.namespace == namespace {
			return t.view.seenSessions()
		}
	}
	return nil
}

// newView makes the view of a namespace, or of all of them.
func (a *app) newView(namespace string) *view {
	return &view{
		namespace: namespace,
		clock:     a.clock,
		log:       a.log.WithName("view").WithValues("namespace", namespace),
		limit:     a.options.MaxStaleness,
	}
}

// addTenancies adds one reader for each namespace, or one for all of them.
func (a *app) addTenancies(context.Context) error {
	for _, namespace := range a.options.watched() {
		t := &tenancy{
			namespace: namespace,
			config:    a.config,
			scheme:    a.scheme,
			options:   a.options,
			directory: a.directory,
			clock:     a.clock,
			log:       a.log.WithName("tenancy").WithValues("namespace", namespace),
			served:    a.served,
			read:      make(chan struct{}),
			view:      a.newView(namespace),
			keyrings:  a.ownView,
		}
		a.tenancies = append(a.tenancies, t)
		a.directory.Await(namespace)
		a.leading.tasks = append(a.leading.tasks, func(ctx context.Context) error { return a.leadTenancy(ctx, t) })
		if err := a.manager.Add(t); err != nil {
			return fmt.Errorf("add namespace %q: %w", namespace, err)
		}
	}
	return nil
}

// addMetrics tells how old is what this replica knows.
func (a *app) addMetrics(context.Context) error {
	views := []*view{a.ownView}
	for _, t := range a.tenancies {
		views = append(views, t.view)
	}
	if err := metrics.Registry.Register(&staleness{clock: a.clock, views: views}); err != nil {
		return fmt.Errorf("register the metric of staleness: %w", err)
	}
	return nil
}

// addLeading lets this replica stand for election.
func (a *app) addLeading(context.Context) error {
	a.leading = &leading{
		config:    a.config,
		namespace: a.options.OperatorNamespace,
		elect:     a.options.LeaderElect,
		log:       a.log.WithName("leading"),
		tasks:     []func(context.Context) error{a.tellLeading},
	}
	if err := a.manager.Add(a.leading); err != nil {
		return fmt.Errorf("add the election: %w", err)
	}
	return nil
}

// leadTenancy runs the controllers of one namespace, or of all, once everything they decide on has
// been read: the namespace itself and the keyrings.
func (a *app) leadTenancy(ctx context.Context, t *tenancy) error {
	tenants, ok := t.await(ctx)
	if !ok || !toolscache.WaitForCacheSync(ctx.Done(), a.keyrings) {
		return nil
	}
	return a.lead(ctx, tenants, t.namespace)
}

func (a *app) lead(ctx context.Context, tenants cluster.Cluster, namespace string) error {
	common := controllers.Common{
		Directory: a.directory,
		Client:    tenants.GetClient(),
		Live:      tenants.GetAPIReader(),
		Secrets:   secretwriter.New(tenants.GetClient(), tenants.GetAPIReader()),
		Events:    tenants.GetEventRecorder("grantkeeper"),
		Clock:     a.clock,
		Rand:      rand.Reader,
		Audit:     a.observing.audit,
	}
	set := &controllers.Set{
		Tenants: &controllers.Tenants{
			Common:            common,
			Operator:          secretwriter.New(a.manager.GetClient(), a.manager.GetAPIReader()),
			Keyrings:          a.manager.GetCache(),
			OperatorLive:      a.manager.GetAPIReader(),
			OperatorEvents:    a.manager.GetEventRecorder("grantkeeper"),
			OperatorNamespace: a.options.OperatorNamespace,
			Issuer:            a.options.Issuer,
			MinStandby:        a.options.MinStandby,
			Retain:            a.options.MaxJWTTTL + a.options.MaxStaleness,
		},
		Users:    &controllers.AuthUsers{Common: common},
		Clients:  &controllers.AuthClients{Common: common},
		Grants:   a.grants(common),
		Rollouts: &controllers.RolloutRestarts{Common: common},
		Sweeper:  a.sweeper(common),
	}
	scope := func(of string) bool { return a.options.isTenant(of) && (namespace == "" || of == namespace) }
	return set.Run(ctx, a.directory, namespace, scope)
}

// sweeper also ends sessions where they are kept outside of Kubernetes.
func (a *app) sweeper(common controllers.Common) *controllers.Sweeper {
	sweeper := &controllers.Sweeper{Common: common}
	if a.elsewhere != nil {
		sweeper.Elsewhere = a.elsewhere
	}
	return sweeper
}

// grants is the controller of grants. Of an authority that somebody else brings nobody knows when the
// next one serves.
func (a *app) grants(common controllers.Common) *controllers.RefreshTokenGrants {
	grants := &controllers.RefreshTokenGrants{Common: common, Issuing: a.issuing, Metrics: a.observing.delivery}
	if a.options.TLSSecret == "" {
		grants.AwaitTrust, grants.Hold = true, a.options.wanted().Hold
	}
	return grants
}
