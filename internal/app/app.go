package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// The lease's times: a leader that is killed is followed within 15 + 2 seconds.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// app is the operator while it is put together.
type app struct {
	options   *Options
	config    *rest.Config
	scheme    *runtime.Scheme
	manager   ctrl.Manager
	directory *directory.Directory
	issuing   *issuing.Service
	clock     clock.WithTicker
	log       logr.Logger
	tenancies []*tenancy
	keyrings  func() bool // whether all keyrings have been read
}

// Run runs the operator until the context ends: the endpoint at once, the controllers when this
// replica leads. listener is what the endpoint serves on; it is closed at the end.
func Run(ctx context.Context, config *rest.Config, options *Options, listener net.Listener, log logr.Logger) error {
	a := &app{
		options:   options,
		config:    rest.CopyConfig(config),
		scheme:    runtime.NewScheme(),
		directory: directory.New(),
		clock:     clock.RealClock{},
		log:       log,
	}
	// The API server's own fairness is the limit; a limit in the client only makes a queue of it.
	a.config.QPS = -1
	for _, step := range []func(context.Context) error{a.addScheme, a.addManager, a.addIssuing, a.addKeyrings, a.addTenancies} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := a.addEndpoint(ctx, listener); err != nil {
		return err
	}
	return a.manager.Start(ctx)
}

func (a *app) addScheme(context.Context) error {
	return errors.Join(clientgoscheme.AddToScheme(a.scheme), v1alpha1.AddToScheme(a.scheme))
}

// addManager makes the manager, whose cache holds the operator's own Secrets and nothing else.
func (a *app) addManager(context.Context) error {
	election := rest.CopyConfig(a.config) // a client of its own: a busy one must not cost the lease
	manager, err := ctrl.NewManager(a.config, ctrl.Options{
		Scheme:                        a.scheme,
		Logger:                        a.log,
		HealthProbeBindAddress:        "0", // the endpoint answers probes
		LeaderElection:                a.options.LeaderElect,
		LeaderElectionID:              "grantkeeper",
		LeaderElectionNamespace:       a.options.OperatorNamespace,
		LeaderElectionConfig:          election,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
		Metrics: metricsserver.Options{
			BindAddress:    a.options.MetricsBindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
		},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{a.options.OperatorNamespace: {}},
			DefaultTransform:  cache.TransformStripManagedFields(),
			ByObject:          map[client.Object]cache.ByObject{&corev1.Secret{}: {Label: hasCredential()}},
		},
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
	a.issuing = issuing.New(issuing.Config{
		Directory: a.directory,
		Store:     kubernetes,
		Live:      store.NewLive(kubernetes, a.clock),
		Passwords: verifier,
		Limits: revision.Limits{
			MinTTL:         a.options.MinTTL,
			MinRenewBefore: a.options.MinRenewBefore,
			MaxJWTTTL:      a.options.MaxJWTTTL,
		},
		Clock: a.clock,
		Rand:  rand.Reader,
	})
	return nil
}

func (a *app) addKeyrings(ctx context.Context) error {
	k := &keyrings{directory: a.directory, log: a.log.WithName("keyrings"), held: map[string]map[string]*corev1.Secret{}}
	synced, err := k.follow(ctx, a.manager.GetCache())
	a.keyrings = synced
	return err
}

// addTenancies adds one reader for each namespace, or one for all of them.
func (a *app) addTenancies(context.Context) error {
	namespaces := a.options.Namespaces
	if a.options.ClusterMode {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		t := &tenancy{
			namespace: namespace,
			config:    a.config,
			scheme:    a.scheme,
			options:   a.options,
			directory: a.directory,
			clock:     a.clock,
			log:       a.log.WithName("tenancy").WithValues("namespace", namespace),
			elected:   a.manager.Elected(),
			lead:      a.lead,
		}
		a.tenancies = append(a.tenancies, t)
		if err := a.manager.Add(t); err != nil {
			return fmt.Errorf("add namespace %q: %w", namespace, err)
		}
	}
	return nil
}

// lead runs the controllers of one namespace, or of all.
func (a *app) lead(ctx context.Context, tenants cluster.Cluster, namespace string) error {
	common := controllers.Common{
		Directory: a.directory,
		Client:    tenants.GetClient(),
		Secrets:   secretwriter.New(tenants.GetClient(), tenants.GetAPIReader()),
		Events:    tenants.GetEventRecorder("grantkeeper"),
		Clock:     a.clock,
		Rand:      rand.Reader,
	}
	set := &controllers.Set{
		Tenants: &controllers.Tenants{
			Common:            common,
			Operator:          secretwriter.New(a.manager.GetClient(), a.manager.GetAPIReader()),
			Live:              a.manager.GetAPIReader(),
			OperatorNamespace: a.options.OperatorNamespace,
			Issuer:            a.options.Issuer,
		},
		Users:   &controllers.AuthUsers{Common: common},
		Clients: &controllers.AuthClients{Common: common},
		Grants:  &controllers.RefreshTokenGrants{Common: common, Issuing: a.issuing},
		Sweeper: &controllers.Sweeper{Common: common},
	}
	scope := func(of string) bool { return a.options.isTenant(of) && (namespace == "" || of == namespace) }
	return set.Run(ctx, a.directory, namespace, scope)
}

// host is what the base URL calls the endpoint.
func (o *Options) host() string {
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return ""
	}
	return base.Hostname()
}
