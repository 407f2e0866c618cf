package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// variable is one of .dev/env.
type variable struct{ name, value string }

// setEnv writes .dev/env, which a shell sources.
func (p *place) setEnv(variables []variable) error {
	var text strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&text, "export %s=%s\n", v.name, quote(v.value))
	}
	fmt.Fprintf(&text, "export PATH=%s:\"$PATH\"\n", quote(p.file("bin")))
	// kubectl keeps what it learns about a server; this one is gone tomorrow.
	fmt.Fprintf(&text, "export KUBECACHEDIR=%s\n", quote(p.file("kube-cache")))
	// curl would take a loopback address to the proxy.
	text.WriteString("export no_proxy=\"127.0.0.1,${no_proxy:-${NO_PROXY:-}}\"\n")
	if err := os.WriteFile(p.env(), []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write the variables: %w", err)
	}
	return nil
}

// server are the variables by which the two servers are reached.
func (p *place) server(url string) []variable {
	return []variable{
		{"KUBECONFIG", p.kubeconfig()},
		{"GRANTKEEPER_URL", url},
		{"GRANTKEEPER_CA", p.file("ca.crt")},
	}
}

// samples are the variables that name what config/samples has brought into being, as the cluster
// knows it.
func (s *shell) samples(ctx context.Context) ([]variable, error) {
	variables := []variable{{"DEMO_NAMESPACE", "demo"}}
	for _, v := range []variable{
		{"DEMO_USER", `kubectl get authuser alice -n demo -o jsonpath='{.status.username}'`},
		{"DEMO_PASSWORD", `kubectl get secret alice-password -n demo -o jsonpath='{.data.password}' | base64 -d`},
		{"DEMO_CLIENT_ID", `kubectl get secret billing-client -n demo -o jsonpath='{.data.client_id}' | base64 -d`},
		{"DEMO_CLIENT_SECRET", `kubectl get secret billing-client -n demo -o jsonpath='{.data.client_secret}' | base64 -d`},
	} {
		value, err := s.execute(ctx, v.value)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", v.name, err)
		}
		if value == "" {
			return nil, fmt.Errorf("read %s: it is empty", v.name)
		}
		variables = append(variables, variable{v.name, value})
	}
	// To wazo a client_id is any string that names no AuthClient.
	return append(variables, variable{"DEMO_WAZO_CLIENT_ID", "softphone"}), nil
}

// quote makes one word of a shell of any text.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
