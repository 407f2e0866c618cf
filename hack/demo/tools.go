package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// gather fills .dev/bin with all that the demo calls: what has never been built on this machine is
// built, with its progress on standard error. It returns the directory of the Kubernetes programs.
func (p *place) gather(ctx context.Context, out io.Writer) (assets string, err error) {
	bin := p.file("bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return "", fmt.Errorf("make the directory of the tools: %w", err)
	}
	fmt.Fprintln(out, "   programs of Kubernetes")
	if assets, err = controlplane.Assets(ctx); err != nil {
		return "", err
	}
	fmt.Fprintln(out, "   helm")
	helm, err := p.tool(ctx, "helm")
	if err != nil {
		return "", err
	}
	fmt.Fprintln(out, "   grantkeeper")
	if _, err := operator.Build(ctx, bin); err != nil {
		return "", err
	}
	if err := copySelf(filepath.Join(bin, "demo")); err != nil {
		return "", err
	}
	links := map[string]string{"kubectl": filepath.Join(assets, "kubectl"), "helm": helm}
	if _, err := exec.LookPath(curlName); errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintln(out, "   a stand-in for curl, which this machine has not: .dev/bin/curl")
		links[curlName] = "demo"
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			return "", fmt.Errorf("link %s: %w", name, err)
		}
	}
	return assets, nil
}

// tool finds one of the pinned tools, or builds it.
func (p *place) tool(ctx context.Context, name string) (string, error) {
	var path bytes.Buffer
	script := exec.CommandContext(ctx, filepath.Join(p.root, "hack", "tool.sh"), name)
	script.Stdout, script.Stderr = &path, os.Stderr
	if err := script.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return strings.TrimSpace(path.String()), nil
}

// copySelf copies this program, which `go run` deletes as soon as it ends.
func copySelf(path string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the demo's own program: %w", err)
	}
	from, err := os.Open(self)
	if err != nil {
		return fmt.Errorf("copy the demo's own program: %w", err)
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(0o755))
	if err != nil {
		return fmt.Errorf("copy the demo's own program: %w", err)
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
