package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// keyrings feeds the directory with the keyrings in the operator's namespace, on every replica.
type keyrings struct {
	directory *directory.Directory
	log       logr.Logger

	mu   sync.Mutex
	held map[string]map[string]*corev1.Secret // by tenant, then by the Secret's name
}

// follow registers with the informer of the operator's Secrets. The function it returns tells
// whether the first list has been taken in.
func (k *keyrings) follow(ctx context.Context, informers cache.Informers) (hasSynced func() bool, err error) {
	informer, err := informers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("get the informer of keyrings: %w", err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { k.change(object, false) },
		UpdateFunc: func(_, object any) { k.change(object, false) },
		DeleteFunc: func(object any) { k.change(object, true) },
	})
	if err != nil {
		return nil, fmt.Errorf("watch keyrings: %w", err)
	}
	return registration.HasSynced, nil
}

func (k *keyrings) change(raw any, gone bool) {
	if last, ok := raw.(toolscache.DeletedFinalStateUnknown); ok {
		raw = last.Obj
	}
	secret, ok := raw.(*corev1.Secret)
	if !ok || secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialKeyring || secret.Labels[v1alpha1.LabelTenant] == "" {
		return
	}
	tenant := secret.Labels[v1alpha1.LabelTenant]

	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held[tenant] == nil {
		k.held[tenant] = map[string]*corev1.Secret{}
	}
	if gone {
		delete(k.held[tenant], secret.Name)
	} else {
		k.held[tenant][secret.Name] = secret
	}
	ring, err := decode(tenant, newest(k.held[tenant]))
	if err != nil {
		k.log.Error(err, "The keyring of a tenant cannot be used; nothing is issued or checked there", "tenant", tenant)
	}
	k.directory.SetRing(tenant, ring, err)
}

// newest picks the keyring of the namespace that was made last under the name: an earlier one is
// kept for a restore and serves no more. Names decide between those of one second, as a restore may
// make them, so that all replicas agree.
func newest(held map[string]*corev1.Secret) (last *corev1.Secret) {
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if secret := held[name]; last == nil || !secret.CreationTimestamp.Before(&last.CreationTimestamp) {
			last = secret
		}
	}
	return last
}

func decode(tenant string, secret *corev1.Secret) (*keys.Ring, error) {
	if secret == nil {
		return nil, directory.ErrNoKeyring
	}
	ring, err := keys.Decode(secret.Data[controllers.DataKeyring])
	if err != nil {
		return nil, fmt.Errorf("Secret %q: %w", secret.Name, err) //nolint:staticcheck // Secret is a kind
	}
	if held := ring.Tenant(); held.Namespace != tenant || held.UID != secret.Annotations[v1alpha1.AnnotationTenantUID] {
		return nil, fmt.Errorf("Secret %q: its label and annotation name another tenant than its content", secret.Name) //nolint:staticcheck // likewise
	}
	return ring, nil
}
