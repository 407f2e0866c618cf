package operator

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// DefaultName is the name of a release, and of its ServiceAccount, where nothing else is said.
const DefaultName = "grantkeeper"

// Release is one installation of the chart.
type Release struct {
	// Name of the release and of its ServiceAccount; empty: DefaultName. A second release in the
	// same cluster needs another one, which holds the chart's name.
	Name string
	// Namespace is the operator's; it is made where it does not exist.
	Namespace string
	// Tenants are the namespaces that it watches. They must exist. None: cluster mode.
	Tenants []string
	// CRDs installs the kinds with the chart.
	CRDs bool
	// RolloutRestarts lets grants restart workloads.
	RolloutRestarts bool
	// UserManagement lets users be made and changed over HTTP.
	UserManagement bool
}

func (r Release) name() string { return cmp.Or(r.Name, DefaultName) }

// tenantsValue and tenantsFlag tell the chart and the operator which namespaces are watched.
func (r Release) tenantsValue() string {
	if len(r.Tenants) == 0 {
		return "clusterMode=true"
	}
	return "namespaces={" + strings.Join(r.Tenants, ",") + "}"
}

func (r Release) tenantsFlag() string {
	if len(r.Tenants) == 0 {
		return "--cluster-mode"
	}
	return "--namespaces=" + strings.Join(r.Tenants, ",")
}

func (r Release) defaultTenant() string {
	if len(r.Tenants) == 0 {
		return ""
	}
	return r.Tenants[0]
}

// Install installs the chart, or upgrades it, with no replica of its own: the operator is then
// started beside the control plane, which has no nodes.
func Install(ctx context.Context, kubeconfig string, release Release) error {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return err
	}
	return helm(ctx, root, kubeconfig, "upgrade", release.name(), filepath.Join(root, "charts", "grantkeeper"),
		"--install", "--create-namespace", "--namespace", release.Namespace,
		"--set", "replicaCount=0",
		"--set", fmt.Sprintf("crds.enabled=%t", release.CRDs),
		"--set", fmt.Sprintf("rolloutRestarts.enabled=%t", release.RolloutRestarts),
		"--set", fmt.Sprintf("userManagement.enabled=%t", release.UserManagement),
		"--set", release.tenantsValue())
}

// Uninstall uninstalls the chart as a person would. It does not touch a running replica.
func Uninstall(ctx context.Context, kubeconfig string, release Release) error {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return err
	}
	return helm(ctx, root, kubeconfig, "uninstall", release.name(), "--namespace", release.Namespace)
}

func helm(ctx context.Context, root, kubeconfig string, args ...string) error {
	helm, err := output(ctx, root, filepath.Join(root, "hack", "tool.sh"), "helm")
	if err != nil {
		return err
	}
	_, err = output(ctx, root, helm, append(args, "--kubeconfig", kubeconfig)...)
	return err
}

// Build builds the operator into a directory and returns the path of the binary.
func Build(ctx context.Context, dir string) (string, error) {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "grantkeeper")
	_, err = output(ctx, root, "go", "build", "-trimpath", "-o", binary, ".")
	return binary, err
}

// output runs a program and returns what it prints, without the newline at the end.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	command.Dir, command.Stdout, command.Stderr = dir, &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}
