package keyrings

import (
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
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

// Record is what the Secret remembers beside the keyring: which requests the keys in it have
// followed. It is written together with them.
type Record struct {
	// RotatedFor and RevokedFor are the values of the AuthTenant's annotations that were last acted on.
	RotatedFor, RevokedFor string
	// RevokedAt is when the keys were last given up; zero where they never were, or where the Secret
	// does not say it in a way that can be read.
	RevokedAt time.Time
	// AdoptedFrom is the uid of the namespace that the keyring was first made for; empty where it is
	// this one's.
	AdoptedFrom string
}

// RecordOf reads the record of a Secret.
func RecordOf(secret *corev1.Secret) Record {
	revokedAt, err := time.Parse(time.RFC3339Nano, secret.Annotations[v1alpha1.AnnotationRevokedAt])
	if err != nil {
		revokedAt = time.Time{}
	}
	return Record{
		RotatedFor:  secret.Annotations[v1alpha1.AnnotationRotatedFor],
		RevokedFor:  secret.Annotations[v1alpha1.AnnotationRevokedFor],
		RevokedAt:   revokedAt,
		AdoptedFrom: secret.Annotations[v1alpha1.AnnotationAdoptedFrom],
	}
}

// Content is what the Secret holds.
func Content(ring *keys.Ring, record Record) (secretwriter.Content, error) {
	encoded, err := ring.Encode()
	if err != nil {
		return secretwriter.Content{}, fmt.Errorf("encode the keyring: %w", err)
	}
	tenant := ring.Tenant()
	annotations := map[string]string{
		v1alpha1.AnnotationIssuer:      tenant.Issuer,
		v1alpha1.AnnotationRotatedFor:  record.RotatedFor,
		v1alpha1.AnnotationRevokedFor:  record.RevokedFor,
		v1alpha1.AnnotationAdoptedFrom: record.AdoptedFrom,
	}
	if at := record.RevokedAt; !at.IsZero() {
		annotations[v1alpha1.AnnotationRevokedAt] = at.UTC().Format(time.RFC3339Nano)
	}
	maps.DeleteFunc(annotations, func(_, value string) bool { return value == "" })
	return secretwriter.Content{
		Data:        map[string][]byte{DataKey: encoded},
		Labels:      map[string]string{v1alpha1.LabelTenant: tenant.Namespace},
		Annotations: annotations,
	}, nil
}

// IsNamed tells whether a Secret bears the name that the keyring which it claims to be has. One that
// does not is never read: two Secrets of one name there cannot be, two that claim one tenant there
// can.
func IsNamed(secret *corev1.Secret) bool {
	uid := secret.Annotations[v1alpha1.AnnotationTenantUID]
	return uid != "" && secret.Name == Name(secret.Labels[v1alpha1.LabelTenant], uid)
}

// Read reads the keyring of a namespace back. It takes nothing on trust: label, annotation, name and
// content have to say the same. The error names the Secret and what is wrong with it, and shows
// nothing of what is in it.
func Read(namespace string, secret *corev1.Secret) (*keys.Ring, error) {
	ring, err := read(namespace, secret)
	if err != nil {
		return nil, fmt.Errorf("Secret %q: %w", secret.Name, err) //nolint:staticcheck // Secret is a kind
	}
	return ring, nil
}

func read(namespace string, secret *corev1.Secret) (*keys.Ring, error) {
	if secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialKeyring || secret.Labels[v1alpha1.LabelTenant] != namespace {
		return nil, fmt.Errorf("it has lost its labels; it needs %s=%s and %s=%s",
			v1alpha1.LabelCredential, v1alpha1.CredentialKeyring, v1alpha1.LabelTenant, namespace)
	}
	ring, err := keys.Decode(secret.Data[DataKey])
	if err != nil {
		return nil, err
	}
	switch held := ring.Tenant(); {
	case held.Namespace != namespace || held.UID != secret.Annotations[v1alpha1.AnnotationTenantUID]:
		return nil, errors.New("its label and annotation name another tenant than its content")
	case !IsNamed(secret):
		return nil, errors.New("its name is not that of the keyring which it claims to be")
	}
	return ring, nil
}
