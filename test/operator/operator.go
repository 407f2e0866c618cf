package operator

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/process"
)

// Options say how an operator is started.
type Options struct {
	Release Release
	// Binary is what Build returned.
	Binary string
	// Dir takes the kubeconfig and the log.
	Dir string
	// Address to listen on; empty for a free port on loopback.
	Address string
	// APIServer is the URL at which the operator reaches the API server; empty for the API server's own.
	APIServer string
	// APIServerCA is the PEM certificate to trust there; empty for the control plane's.
	APIServerCA []byte
	// BaseURL that clients are told; empty for the one of Address.
	BaseURL string
	// Flags are added to those that follow from the release.
	Flags []string
}

// garbageCollection is what the chart sets beside a memory limit.
const garbageCollection = "GOGC=200"

// Operator is one running replica.
type Operator struct {
	// URL is where it listens: also its base URL, unless the options say otherwise. The default
	// tenant is the first of the release; cluster mode has none.
	URL string
	// Log is the file that it appends its log to.
	Log string

	process *process.Process
}

// Command is the command that starts an operator, with a token of the chart's ServiceAccount, and
// the URL where it will listen.
func Command(ctx context.Context, cp *controlplane.ControlPlane, options Options) (command *exec.Cmd, url string, err error) {
	release := options.Release
	config, err := cp.ServiceAccountConfig(ctx, release.Namespace, release.name())
	if err != nil {
		return nil, "", err
	}
	if options.APIServer != "" {
		config.Host = options.APIServer
	}
	if len(options.APIServerCA) > 0 {
		config.CAData = options.APIServerCA
	}
	kubeconfig := filepath.Join(options.Dir, "operator.kubeconfig")
	if err := controlplane.WriteKubeconfig(kubeconfig, config, release.Namespace); err != nil {
		return nil, "", err
	}
	address := options.Address
	if address == "" {
		if address, err = freeAddress(); err != nil {
			return nil, "", err
		}
	}
	url = "https://" + address
	base := options.BaseURL
	if base == "" {
		base = url
	}
	flags := append([]string{
		"--kubeconfig=" + kubeconfig,
		"--operator-namespace=" + release.Namespace,
		release.tenantsFlag(),
		"--default-tenant=" + release.defaultTenant(),
		"--base-url=" + base,
		"--listen=" + address,
		"--health-probe-bind-address=0",
		"--metrics-bind-address=0",
		"--drain-delay=0s",
	}, options.Flags...)
	command = exec.Command(options.Binary, flags...)
	command.Env = append(os.Environ(), garbageCollection)
	return command, url, nil
}

// Start starts an operator and waits until it is ready. It dies with this process.
func Start(ctx context.Context, cp *controlplane.ControlPlane, options Options) (*Operator, error) {
	o, err := Launch(ctx, cp, options)
	if err != nil {
		return nil, err
	}
	if err := o.AwaitReady(ctx); err != nil {
		o.Kill()
		return nil, err
	}
	return o, nil
}

// Launch starts an operator and returns at once. It dies with this process.
func Launch(ctx context.Context, cp *controlplane.ControlPlane, options Options) (*Operator, error) {
	command, url, err := Command(ctx, cp, options)
	if err != nil {
		return nil, err
	}
	o := &Operator{URL: url, Log: filepath.Join(options.Dir, "operator.log")}
	o.process, err = process.Start(command, o.Log)
	return o, err
}

// readyTimeout bounds a start. A quiet machine takes two seconds.
const readyTimeout = time.Minute

// AwaitReady waits until /readyz says so.
func (o *Operator) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := o.process.AwaitReady(ctx, func(ctx context.Context) error { return Ready(ctx, o.URL) }); err != nil {
		return fmt.Errorf("the operator is not ready: %w", err)
	}
	return nil
}

// Stop asks the operator to end, waits until it has, and fails where it did not end well.
func (o *Operator) Stop() error { return o.process.Stop() }

// PID is the id of the operator's process.
func (o *Operator) PID() int { return o.process.PID() }

// Kill ends the operator at once, as a crash would.
func (o *Operator) Kill() { o.process.Kill() }

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}
