// Command grantkeeper is the operator: it issues tokens for the grants in a cluster, keeps them fresh
// in Secrets, and serves the token endpoint. This file is wiring only; see internal/app.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/grantkeeper/grantkeeper/internal/app"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "grantkeeper:", err)
		os.Exit(1)
	}
}

// outliveReaders keeps the operator running when nobody reads its logs any more: to write to a closed
// stdout or stderr is an error then, as it is elsewhere, and no signal that ends the process.
func outliveReaders() { signal.Ignore(syscall.SIGPIPE) }

func run() error {
	outliveReaders()
	var options app.Options
	options.AddFlags(flag.CommandLine) // --kubeconfig is controller-runtime's own flag
	flag.Parse()
	if err := options.Validate(); err != nil {
		return err
	}
	log := newLogger(options.Verbose)
	ctrl.SetLogger(log)
	klog.SetLogger(log)

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster: %w", err)
	}
	ctx := ctrl.SetupSignalHandler()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	in := app.Surroundings{Config: config, Listener: listener, Clock: clock.RealClock{}, Log: log}
	return app.Run(ctx, in, &options)
}

func newLogger(verbose bool) logr.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
