package app

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

const (
	// lookInterval is how often to look how far the watches have come, which costs no request.
	lookInterval = 2 * time.Second
	// askTimeout bounds one question to the API server, and askRetry is how long to wait after one that
	// was not answered well.
	askTimeout = 10 * time.Second
	askRetry   = 10 * time.Second
	// askJitter spreads the questions of many replicas and namespaces.
	askJitter = .1
)

// nobody is a name that no object has. To list the objects of that name tells the API server's version
// and hardly anything else, and needs the permission to list them all.
var nobody = fields.OneTermEqualSelector("metadata.name", "grantkeeper-nobody").String()

// view follows how old that may be which the informers of one cache hold; see package freshness.
type view struct {
	namespace string // empty: all
	clock     clock.WithTicker
	log       logr.Logger
	limit     time.Duration

	// For the one goroutine that looks.
	askAgain time.Time // not before
	trouble  string    // what was told last of questions that were not answered well

	mu       sync.Mutex
	sources  []source
	sessions toolscache.Indexer // nil where the cache watches none
	rule     *freshness.View    // nil before the first look
}

// source is one kind that the cache watches.
type source struct {
	kind     string
	list     toolscache.ListerWatcherWithContext
	informer toolscache.SharedIndexInformer
}

// follow makes a cache hand its informers to the view.
func (v *view) follow(options *cache.Options) {
	options.NewInformer = v.newInformer
	options.DefaultWatchErrorHandler = v.watchFailed
}

// newInformer makes an informer. Those made before the first look are the parts of the view.
func (v *view) newInformer(list toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
	informer := toolscache.NewSharedIndexInformer(list, example, resync, indexers)
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := example.(*v1alpha1.AuthSession); ok && v.sessions == nil {
		utilruntime.Must(informer.AddIndexers(store.SessionIndexers())) // nobody has added any of that name
		v.sessions = informer.GetIndexer()
	}
	if v.rule == nil {
		v.sources = append(v.sources, source{fmt.Sprintf("%T", example), toolscache.ToListerWatcherWithContext(list), informer})
	}
	return informer
}

// seenSessions is what the watch of sessions has brought; nil where there is none.
func (v *view) seenSessions() toolscache.Indexer {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sessions
}

// watchFailed takes the place of client-go's own handler, which tells of every attempt of every watch.
// What is wrong is found out by asking, and told once.
func (v *view) watchFailed(_ context.Context, _ *toolscache.Reflector, err error) {
	v.log.V(1).Info("A watch has ended and is begun again", "cause", err.Error())
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rule != nil && refused(err) {
		v.rule.Doubt()
	}
}

// NeedLeaderElection tells the manager that every replica looks.
func (v *view) NeedLeaderElection() bool { return false }

// Start looks until the context ends.
func (v *view) Start(ctx context.Context) error {
	for {
		_ = v.look(ctx) // what it was not told shows in its age
		select {
		case <-ctx.Done():
			return nil
		case <-v.clock.After(lookInterval):
		}
	}
}

// look takes in how far the watches have come, and asks what is due. An error is that of a question,
// and has been logged.
func (v *view) look(ctx context.Context) error {
	due := v.due()
	if freshness.Age(v.clock.Now(), v.askAgain) < 0 {
		return nil
	}
	for _, i := range due {
		err := v.ask(ctx, i)
		v.tell(err)
		if err != nil {
			v.askAgain = v.clock.Now().Add(askRetry)
			return err
		}
	}
	return nil
}

func (v *view) due() []int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rule == nil {
		v.rule = freshness.NewView(len(v.sources))
	}
	for i := range v.sources {
		informer := v.sources[i].informer
		// Without client-go's AtomicFIFO the store does not know.
		v.rule.Saw(i, cmp.Or(informer.GetIndexer().LastStoreSyncResourceVersion(), informer.LastSyncResourceVersion()))
	}
	return v.rule.Due(v.clock.Now())
}

// ask reads from the API server which version one kind is at.
func (v *view) ask(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	at := v.clock.Now()
	version, err := v.sources[i].version(ctx)

	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case err == nil:
		v.rule.Asked(i, at, version, wait.Jitter(freshness.Pause(len(v.sources), v.limit), askJitter))
	case refused(err):
		v.rule.Refused(i)
	}
	return err
}

func (s *source) version(ctx context.Context) (string, error) {
	answer, err := s.list.ListWithContext(ctx, metav1.ListOptions{FieldSelector: nobody})
	if err != nil {
		return "", fmt.Errorf("list %s: %w", s.kind, err)
	}
	list, err := meta.ListAccessor(answer)
	if err != nil {
		return "", fmt.Errorf("list %s: %w", s.kind, err)
	}
	return list.GetResourceVersion(), nil
}

// tell logs how questions are answered when that has changed.
func (v *view) tell(err error) {
	trouble := ""
	switch {
	case refused(err):
		trouble = "The API server refuses to be read"
	case err != nil:
		trouble = "The API server does not tell how things stand"
	}
	if trouble == v.trouble {
		return
	}
	v.trouble = trouble
	if err != nil {
		v.log.Error(err, trouble+"; it is asked again and again")
	} else {
		v.log.Info("The API server can be read again")
	}
}

// asOf is a time of which everything is known; zero where there is none yet. Lost tells that what may
// be read was refused since.
func (v *view) asOf() (at time.Time, lost bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rule == nil {
		return time.Time{}, false
	}
	return v.rule.AsOf(), v.rule.Lost()
}

// refused tells an answer of the API server from its silence.
func refused(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
}
