// Command demo shows Grantkeeper's main job on a real Kubernetes control plane of its own: `make
// demo` calls `demo up`, `make down` calls `demo down`. All that it makes lies in .dev/ below the
// module's root.
//
// The demo is a list of shell commands (walk.go). Each is printed as it stands and then run by a
// shell, so that what a person reads is what was done. The program puts itself into .dev/bin: there
// it is `demo` for what a shell does badly, and on a machine without curl a stand-in for it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	name := filepath.Base(os.Args[0])
	if err := run(ctx, os.Stdout, name, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1) //nolint:gocritic // cancel only stops listening for signals
	}
}

// run does what the program's name and arguments ask for.
func run(ctx context.Context, out io.Writer, name string, args []string) error {
	if name == curlName {
		return curl(ctx, out, args)
	}
	command, args := "", args
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch {
	case command == "up" && len(args) == 0:
		return inPlace(ctx, out, up)
	case command == "down" && len(args) == 0:
		return inPlace(ctx, out, down)
	case command == serveControlPlane && len(args) == 0:
		return inPlace(ctx, out, func(ctx context.Context, _ io.Writer, p *place) error { return p.serveControlPlane(ctx) })
	case command == "field" && len(args) == 2:
		return printField(out, args[0], args[1])
	case command == "claims" && len(args) == 1:
		return printClaims(out, args[0])
	case command == "verify" && len(args) == 3:
		return verify(out, args[0], args[1], args[2])
	default:
		return fmt.Errorf("usage: %s up | down | field FILE PATH | claims TOKEN | verify JWKS-FILE ISSUER TOKEN", name)
	}
}

func inPlace(ctx context.Context, out io.Writer, do func(context.Context, io.Writer, *place) error) error {
	place, err := newPlace()
	if err != nil {
		return err
	}
	return do(ctx, out, place)
}
