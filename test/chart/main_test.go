// Package chart_test holds the Helm chart to what it promises: what it renders, what it refuses, and
// on a real API server what its ServiceAccount may do and what its admission policies stop.
package chart_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// The release that the tests share, and its tenants. The stranger is a namespace that it was not
// told of.
const (
	release  = "grantkeeper"
	operator = "grantkeeper-system"
	tenant   = "team-a"
	second   = "team-b"
	stranger = "stranger"
)

var cp *controlplane.ControlPlane

func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, &cp, controlplane.Options{}))
}

// root is the module's.
var root = sync.OnceValues(controlplane.ModuleRoot)

func chartDir(t testing.TB) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "charts", "grantkeeper")
}

// helmBinary is the pinned helm, which is built where it has never been.
var helmBinary = sync.OnceValues(func() (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	script := exec.Command(filepath.Join(dir, "hack", "tool.sh"), "helm")
	script.Stderr = os.Stderr
	path, err := script.Output()
	return strings.TrimSpace(string(path)), err
})

// helm runs helm against the control plane. What it says on standard error is in the error.
func helm(args ...string) (string, error) {
	binary, err := helmBinary()
	if err != nil {
		return "", err
	}
	return run(exec.Command(binary, append(args, "--kubeconfig", cp.Kubeconfig)...), nil)
}

func run(command *exec.Cmd, stdin []byte) (string, error) {
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", strings.Join(command.Args[:2], " "), err, stderr.String())
	}
	return stdout.String(), nil
}

func mustHelm(t testing.TB, args ...string) string {
	t.Helper()
	output, err := helm(args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// connect makes a client; as who config says.
func connect(config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	return client.New(config, client.Options{Scheme: scheme})
}

func mustConnect(t testing.TB, config *rest.Config) client.Client {
	t.Helper()
	c, err := connect(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sharedValues are those of the shared release.
func sharedValues(t testing.TB) []string {
	t.Helper()
	return []string{"--values", filepath.Join(chartDir(t), "ci", "namespaces-values.yaml")}
}

var prepareOnce = sync.OnceValue(func() error {
	admin, err := connect(cp.Config)
	if err != nil {
		return err
	}
	for _, name := range []string{operator, tenant, second, stranger} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if name == operator {
			namespace.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
		}
		if err := admin.Create(context.Background(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
})

// prepare makes the namespaces.
func prepare(t testing.TB) {
	t.Helper()
	if err := prepareOnce(); err != nil {
		t.Fatal(err)
	}
}

// install installs the release, or upgrades it to what the tests share. It does not wait for pods:
// there are no nodes.
func install() error {
	dir, err := root()
	if err != nil {
		return err
	}
	chart := filepath.Join(dir, "charts", "grantkeeper")
	_, err = helm("upgrade", "--install", release, chart, "--namespace", operator,
		"--values", filepath.Join(chart, "ci", "namespaces-values.yaml"))
	return err
}

var installOnce = sync.OnceValue(install)

// installed installs the release once.
func installed(t testing.TB) {
	t.Helper()
	prepare(t)
	if err := installOnce(); err != nil {
		t.Fatal(err)
	}
}

// asOperator is a connection with a token of the chart's ServiceAccount.
func asOperator(t testing.TB) *rest.Config {
	t.Helper()
	config, err := cp.ServiceAccountConfig(t.Context(), operator, release)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// as is a connection as a person.
func as(user string) *rest.Config {
	config := rest.CopyConfig(cp.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	return config
}
