package controlplane

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/test/process"
)

// controllers are those that change what a test of ownership, deletion or RBAC sees. None of them
// needs a node.
var controllers = []string{
	"clusterrole-aggregation-controller",
	"garbage-collector-controller",
	"namespace-controller",
	"root-ca-certificate-publisher-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"validatingadmissionpolicy-status-controller",
}

// startEtcd returns the URL that it serves at.
func (cp *ControlPlane) startEtcd(ctx context.Context) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	url := "http://" + net.JoinHostPort("127.0.0.1", port)
	p, err := cp.run("etcd",
		"--data-dir="+cp.file("etcd"),
		"--listen-client-urls="+url,
		"--advertise-client-urls="+url,
		"--listen-peer-urls=http://127.0.0.1:0", // one member: nobody calls it
		"--unsafe-no-fsync",                     // the data need not survive the machine
	)
	if err != nil {
		return "", err
	}
	return url, p.AwaitReady(ctx, func(ctx context.Context) error {
		return get(ctx, http.DefaultClient, url+"/health")
	})
}

func (cp *ControlPlane) startAPIServer(ctx context.Context, ca *authority, etcd string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	p, err := cp.run("kube-apiserver",
		"--etcd-servers="+etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--secure-port="+port,
		"--tls-cert-file="+cp.file("apiserver.crt"),
		"--tls-private-key-file="+cp.file("apiserver.key"),
		"--client-ca-file="+cp.file("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+cp.file("service-accounts.key"),
		"--service-account-signing-key-file="+cp.file("service-accounts.key"),
		"--service-cluster-ip-range=10.0.0.0/24",
		"--endpoint-reconciler-type=none", // an endpoint may not be a loopback address
	)
	if err != nil {
		return err
	}
	if err := cp.connect(ca, port); err != nil {
		return err
	}
	transport, err := rest.HTTPClientFor(cp.Config)
	if err != nil {
		return fmt.Errorf("connect to kube-apiserver: %w", err)
	}
	return p.AwaitReady(ctx, func(ctx context.Context) error {
		return get(ctx, transport, cp.Config.Host+"/readyz")
	})
}

// connect fills in the fields by which others reach the API server.
func (cp *ControlPlane) connect(ca *authority, port string) error {
	admin, err := ca.client("admin", "system:masters")
	if err != nil {
		return err
	}
	cp.Config = &rest.Config{
		Host: "https://" + net.JoinHostPort("127.0.0.1", port),
		QPS:  -1, // a test waits for the server, never for its own client
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   ca.pem,
			CertData: admin.certificate,
			KeyData:  admin.key,
		},
	}
	cp.Kubeconfig = cp.file("admin.kubeconfig")
	if err := WriteKubeconfig(cp.Kubeconfig, cp.Config, "default"); err != nil {
		return err
	}
	cp.admin, err = client.New(cp.Config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return fmt.Errorf("make the administrator's client: %w", err)
	}
	return nil
}

// startControllerManager returns once the process runs: its controllers begin within a second or
// two, and who depends on one of them waits for its effect.
func (cp *ControlPlane) startControllerManager(ca *authority) error {
	pair, err := ca.client("system:kube-controller-manager", "system:masters")
	if err != nil {
		return err
	}
	config := rest.CopyConfig(cp.Config)
	config.CertData, config.KeyData = pair.certificate, pair.key
	kubeconfig := cp.file("controller-manager.kubeconfig")
	if err := WriteKubeconfig(kubeconfig, config, ""); err != nil {
		return err
	}
	_, err = cp.run("kube-controller-manager",
		"--kubeconfig="+kubeconfig,
		"--controllers="+strings.Join(controllers, ","),
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file="+cp.file("ca.crt"),
		"--service-account-private-key-file="+cp.file("service-accounts.key"),
		"--kube-api-qps=200",
		"--kube-api-burst=400",
	)
	return err
}

func (cp *ControlPlane) run(program string, args ...string) (*process.Process, error) {
	command := exec.Command(filepath.Join(cp.Assets, program), args...)
	command.Dir = cp.dir
	p, err := process.Start(command, cp.file(program+".log"))
	if err != nil {
		return nil, err
	}
	cp.processes = append(cp.processes, p)
	return p, nil
}

// file is the path of one of the control plane's own files.
func (cp *ControlPlane) file(name string) string { return filepath.Join(cp.dir, name) }

// freePort asks the kernel for a port that nobody listens on. Another process may take it before
// ours does, which Start meets by starting again.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// get fails unless the URL answers 200.
func get(ctx context.Context, transport *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := transport.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %s: %s", url, response.Status, body)
}
