package keyrings

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// Owner reads the uid that a namespace has now, past any cache; empty where there is no such namespace,
// or none that is served.
type Owner func(ctx context.Context, namespace string) (types.UID, error)

// A namespace whose uid could not be read is asked for again after firstAsk, and then after twice as
// long each time. So many are asked for at a time.
const (
	firstAsk = 50 * time.Millisecond
	lastAsk  = 15 * time.Second
	askers   = 4
)

var (
	// errGone: a keyring that was there is not seen any more. The tenant is not without keys: they
	// are lost, or hidden, or about to be made anew.
	errGone = fmt.Errorf("its Secret is gone, or has lost its labels; it needs %s=%s and %s with the namespace",
		v1alpha1.LabelCredential, v1alpha1.CredentialKeyring, v1alpha1.LabelTenant)
	// errUnasked: nobody has said yet which keyring is the namespace's own.
	errUnasked = errors.New("the uid of the namespace, and so which keyring is its own, has not been read yet")
)

// Follower feeds the directory with the keyrings in the operator's namespace, on every replica. Of
// those that bear a tenant's name it takes the one of the uid that the namespace has, whichever is
// newer: another is that of an earlier namespace, or of somebody who wants it to be.
type Follower struct {
	directory *directory.Directory
	owner     Owner
	log       logr.Logger
	ask       workqueue.TypedRateLimitingInterface[string]

	mu      sync.Mutex
	claims  map[string]*claims
	claimed map[string]string // the tenant of each Secret among them, by the Secret's name
}

// claims are the Secrets that say they are a tenant's keyring.
type claims struct {
	secrets map[string]*corev1.Secret // by name
	uid     types.UID                 // of the namespace when it was last asked for
	served  types.UID                 // whose keyring was last good
	tried   bool                      // it has been asked for, with or without an answer
}

// NewFollower makes a follower that has seen nothing yet. It hears of namespaces from the directory, for
// as long as that is there. The log hears of keyrings that cannot be used, never of what is in them.
func NewFollower(d *directory.Directory, owner Owner, log logr.Logger) *Follower {
	f := &Follower{
		directory: d,
		owner:     owner,
		log:       log,
		ask:       workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstAsk, lastAsk)),
		claims:    map[string]*claims{},
		claimed:   map[string]string{},
	}
	d.Subscribe(f.heard)
	return f
}

// Follow registers with the informer of the operator's Secrets. The function it returns tells
// whether the first list has been taken in, and what is to be asked about it asked.
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
	return func() bool { return registration.HasSynced() && f.hasAsked() }, nil
}

func (f *Follower) hasAsked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.claims {
		if len(c.secrets) > 0 && !c.tried {
			return false
		}
	}
	return true
}

// NeedLeaderElection tells the manager that every replica follows.
func (f *Follower) NeedLeaderElection() bool { return false }

// Start asks for the uids of namespaces until the context ends.
func (f *Follower) Start(ctx context.Context) error {
	stop := context.AfterFunc(ctx, f.ask.ShutDown)
	defer stop()
	var asking sync.WaitGroup
	for range askers {
		asking.Go(func() {
			for {
				tenant, down := f.ask.Get()
				if down {
					return
				}
				f.answer(ctx, tenant)
				f.ask.Done(tenant)
			}
		})
	}
	asking.Wait()
	return nil
}

// answer learns the uid that a namespace has, and serves its keyring.
func (f *Follower) answer(ctx context.Context, tenant string) {
	uid, err := f.owner(ctx, tenant)
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.claims[tenant]
	c.tried = true
	if err != nil {
		f.log.Error(err, "Which keyring is a tenant's cannot be found out; it is tried again", "tenant", tenant)
		if t, ok := f.directory.Tenant(tenant); !ok || !hasRing(t) {
			f.directory.SetRing(tenant, nil, errUnasked)
		}
		f.ask.AddRateLimited(tenant)
		return
	}
	f.ask.Forget(tenant)
	c.uid = uid
	f.serve(tenant)
}

func (f *Follower) change(raw any, gone bool) {
	if last, ok := raw.(toolscache.DeletedFinalStateUnknown); ok {
		raw = last.Obj
	}
	secret, ok := raw.(*corev1.Secret)
	if !ok {
		return
	}
	tenant := secret.Labels[v1alpha1.LabelTenant]
	if gone || secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialKeyring {
		tenant = ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before, known := f.claimed[secret.Name]
	if known && before != tenant { // its label has changed, or it is gone
		delete(f.claimed, secret.Name)
		delete(f.claims[before].secrets, secret.Name)
		f.settle(before, true)
	}
	if tenant == "" {
		return
	}
	if f.claims[tenant] == nil {
		f.claims[tenant] = &claims{secrets: map[string]*corev1.Secret{}}
	}
	f.claimed[secret.Name] = tenant
	f.claims[tenant].secrets[secret.Name] = secret
	f.settle(tenant, !known || before != tenant)
}

// heard takes in that something of a namespace has changed. With another uid it is another tenant: it
// is asked for, and the keyring of the earlier one serves no longer, whether Secrets have changed or
// not.
func (f *Follower) heard(change directory.Change) {
	if change.Kind != directory.Namespaces {
		return
	}
	uid, known := f.directory.NamespaceUID(change.Namespace)
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.claims[change.Namespace]
	if !known || c == nil || len(c.secrets) == 0 || c.uid == uid {
		return
	}
	if c.uid != "" {
		c.uid = ""
		f.refuse(change.Namespace, errUnasked)
	}
	f.ask.Add(change.Namespace)
}

// settle brings the directory to what is claimed now. Where others claim than before, the namespace
// may be another as well, and is asked for; what was served until then goes on.
func (f *Follower) settle(tenant string, others bool) {
	c := f.claims[tenant]
	switch {
	case len(c.secrets) == 0:
		c.uid = ""
		f.refuse(tenant, errGone)
	case others:
		f.ask.Add(tenant)
		if f.own(tenant) != nil {
			f.serve(tenant)
		}
	case c.uid != "":
		f.serve(tenant)
	}
}

// own is the keyring of the uid that the namespace has, as far as that is known.
func (f *Follower) own(tenant string) *corev1.Secret {
	c := f.claims[tenant]
	return c.secrets[Name(tenant, string(c.uid))]
}

// serve puts the keyring of the uid that the namespace has, or why there is none.
func (f *Follower) serve(tenant string) {
	c, own := f.claims[tenant], f.own(tenant)
	if own == nil {
		f.refuse(tenant, c.missing(tenant))
		return
	}
	ring, err := Read(tenant, own)
	if err != nil {
		f.refuse(tenant, err)
		return
	}
	c.served = c.uid
	f.directory.SetRing(tenant, ring, nil)
}

// missing says why there is no keyring of the namespace's own among those that claim to be one. It
// has not been made yet, unless it was there before, or one of them might be it.
func (c *claims) missing(tenant string) error {
	for _, name := range slices.Sorted(maps.Keys(c.secrets)) {
		if secret := c.secrets[name]; !IsNamed(secret) {
			_, err := Read(tenant, secret)
			return err
		}
	}
	if c.served != "" && c.served == c.uid {
		return errGone
	}
	return directory.ErrNoKeyring
}

func hasRing(t *directory.Tenant) bool {
	_, err := t.Ring()
	return err == nil
}

func (f *Follower) refuse(tenant string, err error) {
	if !errors.Is(err, directory.ErrNoKeyring) {
		f.log.Error(err, "The keyring of a tenant cannot be used; nothing is issued or checked there", "tenant", tenant)
	}
	f.directory.SetRing(tenant, nil, err)
}
