package keyrings

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
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// Follower feeds the directory with the keyrings in the operator's namespace, on every replica.
type Follower struct {
	directory *directory.Directory
	log       logr.Logger

	mu   sync.Mutex
	held map[string]map[string]*corev1.Secret // by tenant, then by the Secret's name
}

// NewFollower makes a follower that has seen nothing yet. The log hears of keyrings that cannot be
// used, never of what is in them.
func NewFollower(d *directory.Directory, log logr.Logger) *Follower {
	return &Follower{directory: d, log: log, held: map[string]map[string]*corev1.Secret{}}
}

// Follow registers with the informer of the operator's Secrets. The function it returns tells
// whether the first list has been taken in.
func (f *Follower) Follow(ctx context.Context, informers cache.Informers) (hasSynced func() bool, err error) {
	informer, err := informers.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("get the informer of keyrings: %w", err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { f.change(object, false) },
		UpdateFunc: func(_, object any) { f.change(object, false) },
		DeleteFunc: func(object any) { f.change(object, true) },
	})
	if err != nil {
		return nil, fmt.Errorf("watch keyrings: %w", err)
	}
	return registration.HasSynced, nil
}

func (f *Follower) change(raw any, gone bool) {
	if last, ok := raw.(toolscache.DeletedFinalStateUnknown); ok {
		raw = last.Obj
	}
	secret, ok := raw.(*corev1.Secret)
	if !ok || secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialKeyring || secret.Labels[v1alpha1.LabelTenant] == "" {
		return
	}
	tenant := secret.Labels[v1alpha1.LabelTenant]

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held[tenant] == nil {
		f.held[tenant] = map[string]*corev1.Secret{}
	}
	if gone {
		delete(f.held[tenant], secret.Name)
	} else {
		f.held[tenant][secret.Name] = secret
	}
	ring, err := decode(tenant, newest(f.held[tenant]))
	if err != nil {
		f.log.Error(err, "The keyring of a tenant cannot be used; nothing is issued or checked there", "tenant", tenant)
	}
	f.directory.SetRing(tenant, ring, err)
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
