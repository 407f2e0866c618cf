package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// serveControlPlane is the subcommand that is the control plane's daemon.
const serveControlPlane = "serve-control-plane"

// stopGrace is what a daemon gets to end by itself. The operator finishes its requests within it;
// the control plane needs none.
const stopGrace = 10 * time.Second

// startPatience is for the slowest machine: a start takes seconds.
const startPatience = 3 * time.Minute

// place is where the demo keeps all that it has: .dev/ in the module's root.
type place struct {
	root string // the module's
	dev  string

	controlPlane daemon
	operator     daemon
}

func newPlace() (*place, error) {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return nil, err
	}
	dev := filepath.Join(root, ".dev")
	return &place{
		root:         root,
		dev:          dev,
		controlPlane: newDaemon(dev, "control-plane"),
		operator:     newDaemon(dev, "operator"),
	}, nil
}

// file is the path of something in .dev/.
func (p *place) file(elements ...string) string {
	return filepath.Join(append([]string{p.dev}, elements...)...)
}

// kubeconfig connects as the administrator. The control plane's daemon writes it once all is ready.
func (p *place) kubeconfig() string { return p.file("kubeconfig") }

// clear leaves an empty .dev/. The daemons must have been stopped.
func (p *place) clear() error {
	if err := os.RemoveAll(p.dev); err != nil {
		return fmt.Errorf("clear the last demo: %w", err)
	}
	if err := os.MkdirAll(p.file("bin"), 0o700); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	return nil
}

// startControlPlane runs it as a daemon and returns when it is ready, with kubectl linked into
// .dev/bin. CRDs and all else that is the product's come from the chart.
func (p *place) startControlPlane(ctx context.Context) error {
	// Here and not in the daemon, whose output nobody watches: it may have to be built.
	assets, err := controlplane.Assets(ctx)
	if err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(assets, "kubectl"), p.file("bin", "kubectl")); err != nil {
		return fmt.Errorf("link kubectl: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the demo's own program: %w", err)
	}
	command := exec.Command(self, serveControlPlane)
	command.Dir = p.root
	command.Env = append(os.Environ(), "KUBEBUILDER_ASSETS="+assets)
	if err := p.controlPlane.start(command); err != nil {
		return err
	}
	return p.controlPlane.await(ctx, startPatience, func(context.Context) error {
		_, err := os.Stat(p.kubeconfig())
		return err
	})
}

// serveControlPlane is the daemon: it runs until the context ends.
func (p *place) serveControlPlane(ctx context.Context) error {
	dir := p.file("control-plane")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the control plane's directory: %w", err)
	}
	cp, err := controlplane.Start(ctx, controlplane.Options{ControllerManager: true, Dir: dir})
	if err != nil {
		return err
	}
	if err := os.Rename(cp.Kubeconfig, p.kubeconfig()); err != nil {
		return errors.Join(fmt.Errorf("publish the kubeconfig: %w", err), cp.Stop())
	}
	<-ctx.Done()
	return cp.Stop()
}

// stopDaemons ends whatever the demo has left running, the operator first, and names it.
func (p *place) stopDaemons(ctx context.Context) (stopped []string, err error) {
	for _, d := range []daemon{p.operator, p.controlPlane} {
		ran, err := d.stop(ctx, stopGrace)
		if err != nil {
			return stopped, err
		}
		if ran {
			stopped = append(stopped, d.name)
		}
	}
	return stopped, nil
}
