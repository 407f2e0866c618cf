package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/process"
)

// Who there is. The credentials are public: they guard nothing.
const (
	user         = "alice"
	password     = "bench-password"
	clientID     = "billing"
	clientSecret = "bench-secret"
	scope        = "orders:read"
	wazoScope    = "confd.users.read"
)

// The tenant that the operator watches, and a namespace that nobody watches.
const (
	tenantNamespace = gen.Namespace
	bareNamespace   = "bare"
)

// patience bounds every wait. Only a broken run reaches it.
const patience = 3 * time.Minute

// people are the user and the client with their secrets.
func people() []client.Object {
	return []client.Object{
		gen.PasswordSecret(user, password),
		gen.ClientSecret(clientID, clientSecret),
		gen.AuthUser(user, gen.Password(), gen.UserScopes("orders:*", "confd.#"), gen.Profile("Alice", "Doe", "alice@example.com")),
		gen.AuthClient(clientID, gen.EveryGrantType(), gen.ClientScopes("orders:*"), gen.DefaultScopes(scope)),
	}
}

// world is a control plane with an operator, and a bare server beside it.
type world struct {
	cp       *controlplane.ControlPlane
	client   client.WithWatch
	options  operator.Options
	operator *process.Process
	url      string
	bare     *process.Process
	bareURL  string
	dir      string
	// environment is added to that of an operator that is started.
	environment []string
}

func newWorld(ctx context.Context, s *settings) (w *world, err error) {
	w = &world{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "grantkeeper-bench-"); err != nil {
		return w, fmt.Errorf("make a directory: %w", err)
	}
	if w.cp, err = controlplane.Start(ctx, controlplane.Options{}); err != nil {
		return w, err
	}
	if w.bare, w.bareURL, err = startBare(ctx, w.dir); err != nil {
		return w, err
	}
	if err = w.connect(); err != nil {
		return w, err
	}
	for _, namespace := range []string{tenantNamespace, bareNamespace} {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
		if err = w.client.Create(ctx, object); err != nil {
			return w, fmt.Errorf("create namespace %q: %w", namespace, err)
		}
	}
	if err = w.install(ctx, s.binary); err != nil {
		return w, err
	}
	return w, w.populate(ctx)
}

func (w *world) connect() (err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	w.client, err = client.NewWithWatch(w.cp.Config, client.Options{Scheme: scheme})
	return err
}

// install installs the chart and starts the operator.
func (w *world) install(ctx context.Context, binary string) (err error) {
	w.options = operator.Options{
		Release: operator.Release{Namespace: "grantkeeper-system", Tenants: []string{tenantNamespace}, CRDs: true},
		Binary:  binary,
		Dir:     w.dir,
	}
	if binary == "" {
		if w.options.Binary, err = operator.Build(ctx, w.dir); err != nil {
			return err
		}
	}
	if err := operator.Install(ctx, w.cp.Kubeconfig, w.options.Release); err != nil {
		return err
	}
	return w.startOperator(ctx)
}

// startOperator starts the operator where it was before, since its address is its tenant's issuer.
func (w *world) startOperator(ctx context.Context) error {
	command, url, err := operator.Command(ctx, w.cp, w.options)
	if err != nil {
		return err
	}
	w.url, w.options.Address = url, url[len("https://"):]
	command.Env = append(command.Env, w.environment...)
	if w.operator, err = process.Start(command, filepath.Join(w.dir, "operator.log")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return w.operator.AwaitReady(ctx, func(ctx context.Context) error { return operator.Ready(ctx, url) })
}

// populate applies the user and the client and waits until they can be used.
func (w *world) populate(ctx context.Context) error {
	for _, object := range people() {
		if err := w.client.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %q: %w", object, object.GetName(), err)
		}
	}
	_, err := w.bring(ctx, applied("sample", user))
	return err
}

// bring applies one grant, waits until it is Ready, and tells how long that took.
func (w *world) bring(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (time.Duration, error) {
	ready, err := w.awaitReady(ctx, []string{grant.Name})
	if err != nil {
		return 0, err
	}
	started := time.Now()
	if err := w.client.Create(ctx, grant); err != nil {
		return 0, fmt.Errorf("create grant %q: %w", grant.Name, err)
	}
	err = ready()
	return time.Since(started), err
}

// token is what the Secret of a name holds.
func (w *world) token(ctx context.Context, name string) (string, error) {
	secret := &corev1.Secret{}
	if err := w.client.Get(ctx, client.ObjectKey{Namespace: tenantNamespace, Name: name}, secret); err != nil {
		return "", fmt.Errorf("read Secret %q: %w", name, err)
	}
	return string(secret.Data[v1alpha1.KeyAccessToken]), nil
}

func (w *world) close() error {
	for _, p := range []*process.Process{w.operator, w.bare} {
		if p != nil {
			p.Kill()
		}
	}
	var err error
	if w.cp != nil {
		err = w.cp.Stop()
	}
	return errors.Join(err, os.RemoveAll(w.dir))
}
