package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// settings are what the command line sets.
type settings struct {
	// binary is an operator that is built already; empty: build it.
	binary string
	// rounds is how often every load has its turn, and turn how long that takes.
	rounds int
	turn   time.Duration
	// grants is how many grants each of the comparisons brings in.
	grants int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) == 2 && os.Args[1] == bareCommand {
		exit(serveBare(ctx, os.Stdout))
		return
	}
	var s settings
	flag.StringVar(&s.binary, "binary", "", "operator to measure instead of the one in this checkout")
	flag.IntVar(&s.rounds, "rounds", 8, "how often each kind of request has its turn")
	flag.DurationVar(&s.turn, "turn", time.Second, "how long such a turn takes")
	flag.IntVar(&s.grants, "grants", 1000, "how many grants to bring in for each comparison")
	flag.Parse()
	logger := logr.Discard() // libraries of the clients here; the operator has a log of its own
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	exit(run(ctx, &s, os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything and prints the table.
func run(ctx context.Context, s *settings, to io.Writer) (err error) {
	var t table
	fmt.Fprintln(to, "Minting without HTTP")
	if err := measureMinting(&t); err != nil {
		return err
	}
	fmt.Fprintln(to, "Starting a control plane, the operator, and a bare server")
	w, err := newWorld(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()

	fmt.Fprintln(to, "Requests over TLS, in turns")
	if err := measureRequests(ctx, w, s, &t); err != nil {
		return err
	}
	fmt.Fprintln(to, "Grants, in turns")
	if err := measureGrants(ctx, w, s, &t, to); err != nil {
		return err
	}
	fmt.Fprintln(to, "A restart")
	if err := measureRestart(ctx, w, &t); err != nil {
		return err
	}
	fmt.Fprintln(to, "Sessions")
	if err := measureSessions(ctx, w, &t); err != nil {
		return err
	}
	fmt.Fprintln(to)
	return t.print(to)
}
