package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/grantkeeper/grantkeeper/test/process"
)

// startTimeout bounds one start: a quiet machine takes five seconds, a very busy one a minute.
const startTimeout = 3 * time.Minute

// portAttempts is how often a start is tried where another process takes a chosen port in the
// moment between choosing and listening.
const portAttempts = 3

// Options say what runs beyond etcd and kube-apiserver. The zero value adds nothing.
type Options struct {
	// ControllerManager adds kube-controller-manager with garbage collection, namespace deletion,
	// ServiceAccounts, ClusterRole aggregation and admission-policy checks.
	ControllerManager bool

	// CRDs installs everything in the module's config/crd before Start returns, and before the
	// controller manager starts: its garbage collector learns kinds that come later only after up
	// to 30 seconds.
	CRDs bool

	// Dir takes keys, data and logs, must exist, and is left as it is at the end. Empty means a
	// temporary directory that Stop removes.
	Dir string
}

// ControlPlane is a running control plane. Its data lasts as long as it does.
type ControlPlane struct {
	// Config connects as a member of system:masters, without client-side rate limits.
	Config *rest.Config

	// Kubeconfig is the path of a file that connects as Config does.
	Kubeconfig string

	// Assets is the directory of the programs; kubectl is among them.
	Assets string

	options   Options
	dir       string
	admin     client.Client
	processes []*process.Process
}

// Start runs a control plane on free loopback ports and returns when it is ready. The context
// bounds the start only. Where the programs have never been built on this machine, they are built
// first.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	assets, err := Assets(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		cp := &ControlPlane{Assets: assets, options: options}
		err := cp.start(ctx)
		if err == nil {
			return cp, nil
		}
		if stopErr := cp.Stop(); stopErr != nil {
			return nil, errors.Join(err, stopErr)
		}
		if attempt == portAttempts || !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}
}

// Stop kills the processes that Start started, all at once and without a grace period, since their
// data ends with them, and removes the temporary directory. Stopping twice is harmless.
func (cp *ControlPlane) Stop() error {
	for _, p := range cp.processes {
		p.Kill()
	}
	cp.processes = nil
	if cp.dir == "" || cp.dir == cp.options.Dir {
		return nil
	}
	if err := os.RemoveAll(cp.dir); err != nil {
		return fmt.Errorf("remove the control plane's directory: %w", err)
	}
	return nil
}

func (cp *ControlPlane) start(ctx context.Context) error {
	ca, err := cp.prepare()
	if err != nil {
		return err
	}
	etcd, err := cp.startEtcd(ctx)
	if err != nil {
		return err
	}
	if err := cp.startAPIServer(ctx, ca, etcd); err != nil {
		return err
	}
	if err := cp.installCRDs(); err != nil {
		return err
	}
	if !cp.options.ControllerManager {
		return nil
	}
	return cp.startControllerManager(ca)
}

// prepare makes the directory and every file that the processes read.
func (cp *ControlPlane) prepare() (*authority, error) {
	cp.dir = cp.options.Dir
	if cp.dir == "" {
		dir, err := os.MkdirTemp("", "grantkeeper-controlplane-")
		if err != nil {
			return nil, fmt.Errorf("make the control plane's directory: %w", err)
		}
		cp.dir = dir
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	serving, err := ca.server()
	if err != nil {
		return nil, err
	}
	accounts, err := newServiceAccountKey()
	if err != nil {
		return nil, err
	}
	return ca, writeFiles(cp.dir, map[string][]byte{
		"ca.crt":               ca.pem,
		"apiserver.crt":        serving.certificate,
		"apiserver.key":        serving.key,
		"service-accounts.key": accounts,
	})
}

func (cp *ControlPlane) installCRDs() error {
	if !cp.options.CRDs {
		return nil
	}
	root, err := ModuleRoot()
	if err != nil {
		return err
	}
	_, err = envtest.InstallCRDs(cp.Config, envtest.CRDInstallOptions{
		Paths:              []string{filepath.Join(root, crdDirectory)},
		ErrorIfPathMissing: true,
		MaxTime:            startTimeout,
	})
	if err != nil {
		return fmt.Errorf("install the CRDs of %s: %w", crdDirectory, err)
	}
	return nil
}
