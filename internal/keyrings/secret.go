package keyrings

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// DataKey is the data key under which the Secret holds the keyring.
const DataKey = "keyring.json"

// Name is the name of the Secret that holds the keyring of a namespace. The uid is part of it: a
// namespace that was deleted and made again is another tenant, and gets keys of its own.
func Name(namespace, uid string) string { return "keyring." + namespace + "." + uid }

// Target is that Secret in the operator's namespace, for package secretwriter.
func Target(operatorNamespace string, tenant keys.Tenant) secretwriter.Target {
	return secretwriter.Target{
		Namespace:  operatorNamespace,
		Name:       Name(tenant.Namespace, tenant.UID),
		Credential: v1alpha1.CredentialKeyring,
		Evidence:   secretwriter.Evidence{Annotation: v1alpha1.AnnotationTenantUID, Value: tenant.UID},
	}
}

// Content is what it holds.
func Content(ring *keys.Ring) (secretwriter.Content, error) {
	encoded, err := ring.Encode()
	if err != nil {
		return secretwriter.Content{}, fmt.Errorf("encode the keyring: %w", err)
	}
	tenant := ring.Tenant()
	return secretwriter.Content{
		Data:        map[string][]byte{DataKey: encoded},
		Labels:      map[string]string{v1alpha1.LabelTenant: tenant.Namespace},
		Annotations: map[string]string{v1alpha1.AnnotationIssuer: tenant.Issuer},
	}, nil
}

// IsLabelled tells whether a Secret's labels make it the keyring of a namespace. A Secret without
// them is not among those that replicas follow.
func IsLabelled(labels map[string]string, namespace string) bool {
	return labels[v1alpha1.LabelCredential] == v1alpha1.CredentialKeyring && labels[v1alpha1.LabelTenant] == namespace
}

// decode reads a tenant's keyring back; ErrNoKeyring without a Secret.
func decode(tenant string, secret *corev1.Secret) (*keys.Ring, error) {
	if secret == nil {
		return nil, directory.ErrNoKeyring
	}
	ring, err := keys.Decode(secret.Data[DataKey])
	if err != nil {
		return nil, fmt.Errorf("Secret %q: %w", secret.Name, err) //nolint:staticcheck // Secret is a kind
	}
	if held := ring.Tenant(); held.Namespace != tenant || held.UID != secret.Annotations[v1alpha1.AnnotationTenantUID] {
		return nil, fmt.Errorf("Secret %q: its label and annotation name another tenant than its content", secret.Name) //nolint:staticcheck // likewise
	}
	return ring, nil
}
