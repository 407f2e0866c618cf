package main

import (
	"context"
	"fmt"
	"os"
)

// up shows the demo from its start and leaves it running. An earlier one is stopped first.
func up(ctx context.Context, p *place) error {
	if _, err := p.stopDaemons(ctx); err != nil {
		return err
	}
	if err := p.clear(); err != nil {
		return err
	}
	fmt.Println("Starting etcd, kube-apiserver and kube-controller-manager on loopback ports …")
	return p.startControlPlane(ctx)
}

// down stops the demo, and only that. Its files stay, for whoever wants to read the logs.
func down(ctx context.Context, p *place) error {
	stopped, err := p.stopDaemons(ctx)
	if err != nil {
		return err
	}
	if len(stopped) == 0 {
		fmt.Println("Nothing to stop: no demo is running.")
	}
	for _, name := range stopped {
		fmt.Printf("Stopped the %s.\n", name)
	}
	// Both would lead to a server that is gone.
	for _, name := range []string{p.kubeconfig(), p.file("env")} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("clean up after the demo: %w", err)
		}
	}
	return nil
}
