package faults_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// parallel is how many tests run at a time: most wait for leases, clocks and outages. Those that need
// the processors take heavy.
const parallel = "10"

// heavy is held by a test while it keeps the processors busy, so that no two do.
var heavy sync.Mutex

// What all tests of the package share.
var (
	cp     *controlplane.ControlPlane
	admin  client.WithWatch
	binary string
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Fprintln(os.Stderr, "faults take minutes and are not run with -short")
		return
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		os.Exit(fail(err))
	}
	log.SetLogger(logr.Discard()) // the log that counts is the operator's
	klog.SetLogger(logr.Discard())
	os.Exit(run(m))
}

// run sets up what the tests share, runs them, and takes it down.
func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "grantkeeper-faults-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := setUp(context.Background(), dir); err != nil {
		return fail(err)
	}
	defer func() { _ = cp.Stop() }()
	return m.Run()
}

func setUp(ctx context.Context, dir string) (err error) {
	built := make(chan error, 1)
	go func() {
		var err error
		binary, err = operator.Build(ctx, dir)
		built <- err
	}()
	cp, err = controlplane.Start(ctx, controlplane.Options{ControllerManager: true, CRDs: true})
	if err := errors.Join(<-built, err); err != nil {
		return err
	}
	admin, err = stage.Connect(cp.Config)
	return err
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// figure tells what was measured, in the one form that hack/gotest looks for.
func figure(t *testing.T, name string, value any) {
	t.Helper()
	t.Logf("figure: %s = %v", name, value)
}
