package controlplane

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pollInterval is how often Eventually looks.
const pollInterval = 50 * time.Millisecond

// Main is the TestMain of a package whose tests share one control plane:
//
//	var cp *controlplane.ControlPlane
//
//	func TestMain(m *testing.M) {
//		os.Exit(controlplane.Main(m, &cp, controlplane.Options{CRDs: true}))
//	}
//
// It sets *cp before the first test runs, stops the control plane after the last and returns the
// exit code.
func Main(m *testing.M, cp **ControlPlane, options Options) (code int) {
	flag.Parse()
	started, err := Start(context.Background(), options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := started.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}()
	*cp = started
	return m.Run()
}

// Namespace makes a fresh namespace and returns its name. It is deleted when the test ends, without
// waiting for its contents to go, which needs the controller manager.
func (cp *ControlPlane) Namespace(t testing.TB) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := cp.admin.Create(t.Context(), namespace); err != nil {
		t.Fatalf("create a namespace: %v", err)
	}
	t.Cleanup(func() {
		if err := cp.admin.Delete(context.Background(), namespace); client.IgnoreNotFound(err) != nil {
			t.Errorf("delete namespace %q: %v", namespace.Name, err)
		}
	})
	return namespace.Name
}

// Eventually polls until check returns nil. After the timeout the test fails with check's last
// error. The context that check gets ends with the timeout.
func Eventually(t testing.TB, timeout time.Duration, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), pollInterval, timeout, true,
		func(ctx context.Context) (bool, error) {
			if err := check(ctx); err != nil {
				if ctx.Err() == nil || last == nil { // not the poll's own end, where there is better
					last = err
				}
				return false, nil
			}
			return true, nil
		})
	if err != nil {
		t.Fatalf("not within %s: %v", timeout, last)
	}
}
