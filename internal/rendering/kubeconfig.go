package rendering

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"

	"sigs.k8s.io/yaml"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// The API server as a pod sees it that asks for nothing.
const (
	inClusterServer = "https://kubernetes.default.svc"
	inClusterCA     = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
)

// entryName is the name of the one cluster, the one user and the one context.
const entryName = "grantkeeper"

// config is a kubeconfig (Config of v1), as much of it as is written here.
type config struct {
	APIVersion     string         `json:"apiVersion"`
	Kind           string         `json:"kind"`
	CurrentContext string         `json:"current-context"`
	Clusters       []namedCluster `json:"clusters"`
	Users          []namedUser    `json:"users"`
	Contexts       []namedContext `json:"contexts"`
}

type namedCluster struct {
	Name    string  `json:"name"`
	Cluster cluster `json:"cluster"`
}

type cluster struct {
	Server                   string `json:"server"`
	CertificateAuthority     string `json:"certificate-authority,omitempty"`
	CertificateAuthorityData []byte `json:"certificate-authority-data,omitempty"`
}

type namedUser struct {
	Name string `json:"name"`
	User user   `json:"user"`
}

type user struct {
	Token string `json:"token"`
}

type namedContext struct {
	Name    string      `json:"name"`
	Context contextBody `json:"context"`
}

type contextBody struct {
	Cluster   string `json:"cluster"`
	User      string `json:"user"`
	Namespace string `json:"namespace"`
}

// kubeconfig writes a file that kubectl and client-go log in with. Its namespace is the Secret's.
func kubeconfig(output *v1alpha1.TargetOutput, values *Values) ([]byte, error) {
	server := cluster{Server: inClusterServer, CertificateAuthority: inClusterCA}
	if output.Server != "" {
		server = cluster{Server: output.Server, CertificateAuthorityData: []byte(output.CertificateAuthority)}
		if err := checkCertificates(output.CertificateAuthority); err != nil {
			return nil, err
		}
	}
	file, err := yaml.Marshal(config{
		APIVersion: "v1", Kind: "Config", CurrentContext: entryName,
		Clusters: []namedCluster{{Name: entryName, Cluster: server}},
		Users:    []namedUser{{Name: entryName, User: user{Token: values.AccessToken.Reveal()}}},
		Contexts: []namedContext{{Name: entryName, Context: contextBody{Cluster: entryName, User: entryName, Namespace: values.Namespace}}},
	})
	if err != nil {
		return nil, refusal("the values have no form in YAML")
	}
	return file, nil
}

// checkCertificates refuses what a client of the server would refuse, or take without a word for no
// certificate at all.
func checkCertificates(certificates string) error {
	for rest := bytes.TrimSpace([]byte(certificates)); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return refusal("certificateAuthority is not PEM")
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" {
			return refusef("certificateAuthority holds a block %q that is not a certificate", block.Type)
		}
	}
	return nil
}
