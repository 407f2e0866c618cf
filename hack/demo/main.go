// Command demo shows Grantkeeper's main job on a real Kubernetes control plane of its own: `make
// demo` calls `demo up`, `make down` calls `demo down`. All that it makes lies in .dev/ below the
// module's root.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // cancel only stops listening for signals
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: demo up | down")
	}
	place, err := newPlace()
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, place)
	case "down":
		return down(ctx, place)
	case serveControlPlane:
		return place.serveControlPlane(ctx)
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}
