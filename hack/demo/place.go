package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

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

	locked *os.File // while a demo is being set up
}

// lockName is the file in .dev/ that outlives each demo.
const lockName = "lock"

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

// env is the file that holds what a shell needs.
func (p *place) env() string { return p.file("env") }

// lock keeps two demos from setting up one place at the same time: the second waits for the first.
// The lock ends with the process.
func (p *place) lock(ctx context.Context, out io.Writer) error {
	if err := os.MkdirAll(p.dev, 0o700); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	file, err := os.OpenFile(p.file(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock the demo's directory: %w", err)
	}
	p.locked = file // or the garbage collector would close it
	waiting := false
	return wait.PollUntilContextCancel(ctx, 200*time.Millisecond, true, func(context.Context) (bool, error) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			if !waiting {
				waiting = true
				fmt.Fprintln(out, "Another demo is being set up here; waiting for it …")
			}
			return false, nil
		}
		return err == nil, err
	})
}

// clear leaves nothing in .dev/ but the lock. The daemons must have been stopped.
func (p *place) clear() error {
	entries, err := os.ReadDir(p.dev)
	if err != nil {
		return fmt.Errorf("clear the last demo: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(p.file(entry.Name())); err != nil {
			return fmt.Errorf("clear the last demo: %w", err)
		}
	}
	return nil
}

// startControlPlane runs it as a daemon and returns when it is ready. CRDs and all else that is the
// product's come from the chart.
func (p *place) startControlPlane(ctx context.Context, assets string) error {
	command := exec.Command(p.file("bin", "demo"), serveControlPlane)
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
