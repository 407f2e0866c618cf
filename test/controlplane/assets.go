package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// crdDirectory is where generated CustomResourceDefinitions lie, below the module's root.
const crdDirectory = "config/crd"

// kubeScript builds and finds the Kubernetes programs, below the module's root.
const kubeScript = "hack/kube.sh"

// ModuleRoot finds the product's checkout from the working directory upwards: the directory that
// holds hack/kube.sh. A test's working directory is its package, so this always starts inside.
func ModuleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module's root: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(filepath.Join(dir, kubeScript))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the module's root: no %s in %q or above it", kubeScript, start)
		}
	}
}

// Assets returns the directory that holds etcd, kube-apiserver, kube-controller-manager and
// kubectl. KUBEBUILDER_ASSETS wins; otherwise hack/kube.sh says where they are, after building them
// where no earlier checkout has: some minutes, with its progress on standard error.
func Assets(ctx context.Context) (string, error) {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		return dir, nil
	}
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	var stdout bytes.Buffer
	script := exec.CommandContext(ctx, filepath.Join(root, kubeScript))
	script.Stdout, script.Stderr = &stdout, os.Stderr
	if err := script.Run(); err != nil {
		return "", fmt.Errorf("build the Kubernetes programs with %s: %w", kubeScript, err)
	}
	return strings.TrimSpace(stdout.String()), nil
}
