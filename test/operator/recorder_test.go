package operator_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// vandalism begins every value that a test writes into a Secret of the operator's.
const vandalism = "edited-by-a-test-"

// issue is one revision of one grant.
type issue struct{ grantID, revision string }

// issuedToken is what a workload has seen of one.
type issuedToken struct {
	token     string
	expiresAt time.Time
	seenAt    time.Time
	source    string // namespace/name of the Secret
}

// recorder watches the Secrets of some namespaces as workloads do, and holds every one of them to the
// promises: a revision is one token, revisions do not fall, and a token is replaced before it expires.
type recorder struct {
	mu       sync.Mutex
	tokens   map[issue]issuedToken
	current  map[string]issue // by grant id
	excused  map[string]bool  // by grant id
	problems []error
}

func newRecorder() *recorder {
	return &recorder{tokens: map[issue]issuedToken{}, current: map[string]issue{}, excused: map[string]bool{}}
}

// record watches until the context ends.
func record(ctx context.Context, config *rest.Config, namespaces ...string) (*recorder, error) {
	r := newRecorder()
	output := labels.SelectorFromSet(labels.Set{v1alpha1.LabelCredential: v1alpha1.CredentialOutput})
	options := cache.Options{
		ByObject:          map[client.Object]cache.ByObject{&corev1.Secret{}: {Label: output}},
		DefaultNamespaces: map[string]cache.Config{},
	}
	for _, namespace := range namespaces {
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	secrets, err := cache.New(config, options)
	if err != nil {
		return nil, err
	}
	informer, err := secrets.GetInformer(ctx, &corev1.Secret{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    r.take,
		UpdateFunc: func(_, updated any) { r.take(updated) },
	})
	if err != nil {
		return nil, err
	}
	go func() { _ = secrets.Start(ctx) }() // ends with the context
	if !secrets.WaitForCacheSync(ctx) {
		return nil, errors.New("the recorder's cache did not sync")
	}
	return r, nil
}

func (r *recorder) take(raw any) {
	secret, ok := raw.(*corev1.Secret)
	if !ok || secret.Annotations[v1alpha1.AnnotationGrantID] == "" {
		return
	}
	token := string(secret.Data[v1alpha1.KeyAccessToken])
	of := issue{secret.Annotations[v1alpha1.AnnotationGrantID], secret.Annotations[v1alpha1.AnnotationRevision]}
	if strings.HasPrefix(token, vandalism) || token == "" || of.revision == "" { // a test's work, to be repaired
		return
	}
	expiresAt, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationExpiresAt])
	found := issuedToken{token: token, expiresAt: expiresAt, seenAt: time.Now(), source: secret.Namespace + "/" + secret.Name}

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.complain("%s: expires-at is no time: %v", found.source, err)
	}
	r.compare(of, found)
	r.tokens[of], r.current[of.grantID] = found, of
}

// compare holds a token to those before it.
func (r *recorder) compare(of issue, found issuedToken) {
	if r.excused[of.grantID] {
		return
	}
	if before, known := r.tokens[of]; known && before.token != found.token {
		r.complain("%s: revision %s of grant %s is two different tokens", found.source, of.revision, of.grantID)
	}
	last, known := r.current[of.grantID]
	if !known || last == of {
		return
	}
	if number(of.revision) <= number(last.revision) {
		r.complain("%s: revision %s of grant %s follows %s", found.source, of.revision, of.grantID, last.revision)
	}
	if before := r.tokens[last]; before.expiresAt.Before(found.seenAt) {
		r.complain("%s: revision %s expired %s before %s was there", found.source, last.revision, found.seenAt.Sub(before.expiresAt), of.revision)
	}
}

func (r *recorder) complain(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// excuse lets a grant break the promises: its test takes away all that they rest on.
func (r *recorder) excuse(grantID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.excused[grantID] = true
}

func (r *recorder) violations() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.problems)
}

// all are the tokens seen so far, by revision.
func (r *recorder) all() map[issue]issuedToken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.tokens)
}

// currents are the revisions that stand now, by grant id.
func (r *recorder) currents() map[string]issuedToken {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]issuedToken{}
	for grantID, of := range r.current {
		now[grantID] = r.tokens[of]
	}
	return now
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	for _, problem := range r.violations() {
		t.Error(problem)
	}
}
