package operator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// patience bounds every wait. Only a test that fails reaches it.
const patience = stage.Patience

// parallel is how many tests run at a time: they wait for clocks and for the operator, and not for a
// CPU of their own.
const parallel = "16"

// The floors are lowered, so that a test can see a token being renewed.
const (
	minTTL         = 10 * time.Second
	minRenewBefore = 2 * time.Second
)

func floors() []string {
	return []string{"--min-ttl=" + minTTL.String(), "--min-renew-before=" + minRenewBefore.String()}
}

// The tenants of the operator that the tests share. Those of sharedTenants are taken in turn; the
// others are each one test's own.
var (
	sharedTenants = []string{"team-a", "team-b", "team-c"}
	ownTenants    = []string{keyringTenant, unlabelledTenant, canaryTenant, emergencyTenant, adoptTenant}
)

const (
	operatorNamespace = "grantkeeper-system"
	keyringTenant     = "team-keyring"
	unlabelledTenant  = "team-unlabelled"
	canaryTenant      = "team-canary"
	emergencyTenant   = "team-emergency"
	adoptTenant       = "team-adopt"
)

// What all tests of the package share.
var (
	cp     *controlplane.ControlPlane
	shared *operator.Operator
	// binary is the operator as users get it.
	binary string
	// admin is a person with every right. What the admission policy forbids is forbidden to admin too.
	admin client.Client
	// endpoint writes as the operator's ServiceAccount, as the token endpoint does.
	endpoint client.Client
	// seen has recorded every Secret that the shared operator wrote.
	seen *stage.Recorder
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		os.Exit(fail(err))
	}
	log.SetLogger(logr.Discard()) // the log that counts is the operator's
	os.Exit(run(m))
}

// run sets up what the tests share, runs them, and takes it down.
func run(m *testing.M) (code int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "grantkeeper-operator-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stop, err := setUp(ctx, dir)
	defer stop()
	if err != nil {
		return fail(err)
	}
	code = m.Run()
	// Whatever the tests were about, every Secret and every word that the operator wrote meanwhile counts.
	if err := errors.Join(append(seen.Violations(), leaks(ctx)...)...); err != nil {
		return max(code, fail(err))
	}
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// setUp returns what undoes it, also where it fails half-way.
func setUp(ctx context.Context, dir string) (stop func(), err error) {
	var undo []func()
	stop = func() {
		for i := range undo {
			undo[len(undo)-1-i]()
		}
	}
	built := make(chan error, 1)
	go func() {
		var err error
		binary, err = operator.Build(ctx, dir)
		built <- err
	}()
	cp, err = controlplane.Start(ctx, controlplane.Options{ControllerManager: true, CRDs: true})
	if err := errors.Join(err, <-built); err != nil {
		return stop, err
	}
	undo = append(undo, func() { _ = cp.Stop() })
	if admin, err = stage.Connect(cp.Config); err != nil {
		return stop, err
	}
	if seen, err = stage.Record(ctx, cp.Config, append(sharedTenants, ownTenants...)...); err != nil {
		return stop, err
	}
	options, err := install(ctx, dir, operator.Release{
		Namespace: operatorNamespace, Tenants: append(sharedTenants, ownTenants...), RolloutRestarts: true,
	})
	if err != nil {
		return stop, err
	}
	account, err := cp.ServiceAccountConfig(ctx, operatorNamespace, operator.DefaultName)
	if err != nil {
		return stop, err
	}
	if endpoint, err = stage.Connect(account); err != nil {
		return stop, err
	}
	options.Flags = append(options.Flags, "--verbose")
	if shared, err = operator.Start(ctx, cp, options); err != nil {
		return stop, err
	}
	undo = append(undo, shared.Kill)
	return stop, nil
}

// install makes the tenants, installs the chart and returns how to start a replica.
func install(ctx context.Context, dir string, release operator.Release) (operator.Options, error) {
	for _, name := range release.Tenants {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := admin.Create(ctx, namespace); err != nil {
			return operator.Options{}, fmt.Errorf("create namespace %q: %w", name, err)
		}
	}
	if err := operator.Install(ctx, cp.Kubeconfig, release); err != nil {
		return operator.Options{}, err
	}
	place := filepath.Join(dir, release.Namespace)
	if err := os.MkdirAll(place, 0o700); err != nil {
		return operator.Options{}, err
	}
	return operator.Options{Release: release, Binary: binary, Dir: place, Flags: floors()}, nil
}

// ownRelease is an installation beside the shared one, for a test that ends its operators.
func ownRelease(name string) operator.Release {
	name = name + "-" + strconv.FormatInt(scenes.Add(1), 10)
	return operator.Release{
		Name: operator.DefaultName + "-" + name, Namespace: operator.DefaultName + "-" + name, Tenants: []string{"team-" + name},
	}
}
