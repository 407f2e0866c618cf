package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/operator"
)

// usualAddress is where the endpoint listens unless something else does.
const usualAddress = "127.0.0.1:8443"

// endpointAddress finds a free address for the endpoint.
func endpointAddress() (string, error) {
	usual, err := net.Listen("tcp", usualAddress)
	if err == nil {
		return usualAddress, usual.Close()
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return free.Addr().String(), free.Close()
}

// operatorKubeconfig is below .dev/: it holds a ServiceAccount's token and no other credential.
const operatorKubeconfig = "operator.kubeconfig"

// operatorNamespace is the release's.
const operatorNamespace = "grantkeeper-system"

// startOperator runs it as a daemon that shows the API server a ServiceAccount's token.
func (p *place) startOperator(address, token string) (flags []string, err error) {
	admin, err := clientcmd.BuildConfigFromFlags("", p.kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read the administrator's kubeconfig: %w", err)
	}
	config := rest.AnonymousClientConfig(admin)
	config.BearerToken = token
	kubeconfig := p.file(operatorKubeconfig)
	if err := controlplane.WriteKubeconfig(kubeconfig, config, operatorNamespace); err != nil {
		return nil, err
	}
	flags = []string{
		"--kubeconfig=" + kubeconfig,
		"--operator-namespace=" + operatorNamespace,
		"--namespaces=demo",
		"--default-tenant=demo",
		"--base-url=https://" + address,
		"--listen=" + address,
		"--metrics-bind-address=0",
		"--health-probe-bind-address=0",
		"--min-ttl=30s",
		"--min-renew-before=10s",
	}
	return flags, p.operator.start(exec.Command(p.file("bin", "grantkeeper"), flags...))
}

// awaitOperator returns when the operator is ready.
func (p *place) awaitOperator(ctx context.Context, address string) error {
	return p.operator.await(ctx, startPatience, func(ctx context.Context) error {
		return operator.Ready(ctx, "https://"+address)
	})
}
