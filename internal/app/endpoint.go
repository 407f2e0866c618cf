package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/certificates"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/oauth"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/pages"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/wazo"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// servingSecret is the name of the Secret that the operator's own certificate is kept in.
const servingSecret = "grantkeeper-serving"

// addEndpoint adds the HTTPS server, its certificate and its routes. It runs on every replica.
func (a *app) addEndpoint(ctx context.Context, listener net.Listener) error {
	certificate := &endpoint.Certificate{}
	if err := a.addCertificate(ctx, certificate); err != nil {
		return err
	}
	timings, err := endpoint.NewMetrics(metrics.Registry)
	if err != nil {
		return fmt.Errorf("register the endpoint's metrics: %w", err)
	}
	if err := metrics.Registry.Register(certificate); err != nil {
		return fmt.Errorf("register the certificate's metric: %w", err)
	}
	log := a.log.WithName("endpoint")
	health := endpoint.NewHealth(log, a.checks(certificate)...)
	mux, err := endpoint.NewMux(endpoint.MuxOptions{
		DefaultTenant:  a.options.DefaultTenant,
		TrustedProxies: a.options.TrustedProxies,
		AllowedOrigins: a.options.CORSAllowedOrigins,
		Health:         health,
		Metrics:        timings,
		Log:            log,
		Clock:          a.clock,
		Rand:           rand.Reader,
	}, a.dialects(log)...)
	if err != nil {
		return fmt.Errorf("mount the routes: %w", err)
	}
	server := endpoint.NewServer(listener, mux, certificate, health, endpoint.ServerOptions{
		TrustedProxies: a.options.TrustedProxies,
		DrainDelay:     a.options.DrainDelay,
		Log:            log,
		Clock:          a.clock,
	})
	if err := a.manager.Add(serving{server, a.served}); err != nil {
		return fmt.Errorf("add the server: %w", err)
	}
	return errors.Join(
		a.manager.AddHealthzCheck("alive", healthz.Ping),
		a.manager.AddReadyzCheck("endpoint", func(*http.Request) error { return health.Ready() }),
	)
}

// serving is the server, which tells when it has answered its last request.
type serving struct {
	*endpoint.Server
	served chan<- struct{}
}

func (s serving) Start(ctx context.Context) error {
	defer close(s.served)
	return s.Server.Start(ctx)
}

// checks are what has to be so before this replica may get requests.
func (a *app) checks(certificate *endpoint.Certificate) []endpoint.Check {
	return []endpoint.Check{
		{Name: "certificate", Ready: certificate.Ready},
		{Name: "keyrings", Ready: func() error {
			if !a.keyrings() {
				return errors.New("the keyrings have not been read yet")
			}
			return nil
		}},
		{Name: "tenants", Ready: func() error {
			var all []error
			for _, t := range a.tenancies {
				all = append(all, t.ready())
			}
			return errors.Join(all...)
		}},
	}
}

// addCertificate lets the server follow its certificate and the directory the CAs that clients are
// to trust: of the operator's own making, or in a Secret that somebody else keeps.
func (a *app) addCertificate(ctx context.Context, certificate *endpoint.Certificate) error {
	name := types.NamespacedName{Namespace: a.options.OperatorNamespace, Name: servingSecret}
	informers := a.manager.GetCache()
	if a.options.TLSSecret != "" {
		name.Name = a.options.TLSSecret
		given, err := a.cacheOf(name)
		if err != nil {
			return err
		}
		informers = given
	} else {
		a.addCertificateController(name)
	}
	return errors.Join(certificate.Follow(ctx, informers, name), a.followTrust(ctx, informers, name))
}

// addCertificateController lets the leader keep the operator's own certificate.
func (a *app) addCertificateController(secret types.NamespacedName) {
	controller := &controllers.Certificates{
		Secret:  secret,
		Wanted:  a.options.wanted(),
		Reader:  a.manager.GetClient(),
		Secrets: secretwriter.New(a.manager.GetClient(), a.manager.GetAPIReader()),
		Events:  a.manager.GetEventRecorder("grantkeeper"),
		Clock:   a.clock,
		Rand:    rand.Reader,
	}
	a.leading.tasks = append(a.leading.tasks, func(ctx context.Context) error {
		return controller.Run(ctx, a.manager.GetCache())
	})
}

// dialects are the routes of the endpoint. POST /token is both dialects': JSON is wazo's, all else
// OAuth2's. The pages know a cookie, and introspection a secret: neither is open to other origins.
func (a *app) dialects(log logr.Logger) []endpoint.Dialect {
	json := wazo.New(wazo.Options{Service: a.issuing, Accounts: a.accounts, Clock: a.clock, Location: time.Local, Log: log.WithName("wazo")})
	form := oauth.NewTokenEndpoint(a.issuing, log.WithName("oauth"))
	token := endpoint.Route{
		Method:  http.MethodPost,
		Pattern: "/token",
		Handle:  endpoint.ByContentType("application/json", json.CreateToken, form.Token),
	}
	keySets := endpoint.JWKSRoutes(a.issuing.JWKS, a.options.JWKSMaxAge, form.Fail)
	return []endpoint.Dialect{
		{Routes: slices.Concat(form.Routes(), keySets), Refuse: oauth.Refuse, CrossOrigin: oauth.CrossOrigin()},
		{Routes: []endpoint.Route{token}, Refuse: oauth.Refuse, CrossOrigin: oauth.CrossOrigin().And(json.Dialect().CrossOrigin)},
		{Routes: form.SecretRoutes(), Refuse: oauth.Refuse},
		pages.New(a.issuing, log.WithName("pages")).Dialect(),
		json.Dialect(),
	}
}

// cacheOf is a cache of one Secret, which need not bear our label.
func (a *app) cacheOf(secret types.NamespacedName) (cache.Cache, error) {
	one, err := cache.New(a.config, cache.Options{
		Scheme:            a.scheme,
		DefaultNamespaces: map[string]cache.Config{secret.Namespace: {}},
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Field: fields.OneTermEqualSelector("metadata.name", secret.Name)},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open Secret %q: %w", secret, err)
	}
	if err := a.manager.Add(one); err != nil {
		return nil, fmt.Errorf("watch Secret %q: %w", secret, err)
	}
	return one, nil
}

// followTrust hands the CA bundle beside the certificate to the directory.
func (a *app) followTrust(ctx context.Context, informers cache.Informers, name types.NamespacedName) error {
	informer, err := informers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("get the informer of Secret %q: %w", name, err)
	}
	set := func(raw any) {
		if secret, ok := raw.(*corev1.Secret); ok && client.ObjectKeyFromObject(secret) == name {
			a.directory.SetTrust(secret.Data[certificates.DataTrusted])
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    set,
		UpdateFunc: func(_, updated any) { set(updated) },
	})
	if err != nil {
		return fmt.Errorf("watch Secret %q: %w", name, err)
	}
	return nil
}
