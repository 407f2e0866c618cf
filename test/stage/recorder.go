package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// Vandalism begins every value that a test writes into a Secret of the operator's.
const Vandalism = "edited-by-a-test-"

// Issue is one revision of one grant.
type Issue struct{ GrantID, Revision string }

// IssuedToken is what a workload has seen of one.
type IssuedToken struct {
	Token     string
	ExpiresAt time.Time
	// SeenAt is when the recorder saw it first as the current one.
	SeenAt time.Time
	Source string // namespace/name of the Secret
}

// Recorder watches the Secrets of some namespaces as workloads do, and holds every one of them to the
// promises: a revision is one token, revisions do not fall, and a token is replaced before it expires.
type Recorder struct {
	mu       sync.Mutex
	tokens   map[Issue]IssuedToken
	current  map[string]Issue // by grant id
	excused  map[string]bool  // by grant id
	problems []error
}

func newRecorder() *Recorder {
	return &Recorder{tokens: map[Issue]IssuedToken{}, current: map[string]Issue{}, excused: map[string]bool{}}
}

// Record watches until the context ends.
func Record(ctx context.Context, config *rest.Config, namespaces ...string) (*Recorder, error) {
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

func (r *Recorder) take(raw any) {
	secret, ok := raw.(*corev1.Secret)
	if !ok || secret.Annotations[v1alpha1.AnnotationGrantID] == "" {
		return
	}
	token := string(secret.Data[v1alpha1.KeyAccessToken])
	of := Issue{secret.Annotations[v1alpha1.AnnotationGrantID], secret.Annotations[v1alpha1.AnnotationRevision]}
	if strings.HasPrefix(token, Vandalism) || token == "" || of.Revision == "" { // a test's work, to be repaired
		return
	}
	expiresAt, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationExpiresAt])
	found := IssuedToken{Token: token, ExpiresAt: expiresAt, SeenAt: time.Now(), Source: secret.Namespace + "/" + secret.Name}

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.complain("%s: expires-at is no time: %v", found.Source, err)
	}
	r.compare(of, found)
	if before, known := r.tokens[of]; known {
		found.SeenAt = before.SeenAt
	}
	r.tokens[of], r.current[of.GrantID] = found, of
}

// compare holds a token to those before it.
func (r *Recorder) compare(of Issue, found IssuedToken) {
	if r.excused[of.GrantID] {
		return
	}
	if before, known := r.tokens[of]; known && before.Token != found.Token {
		r.complain("%s: revision %s of grant %s is two different tokens", found.Source, of.Revision, of.GrantID)
	}
	last, known := r.current[of.GrantID]
	if !known || last == of {
		return
	}
	if number(of.Revision) <= number(last.Revision) {
		r.complain("%s: revision %s of grant %s follows %s", found.Source, of.Revision, of.GrantID, last.Revision)
	}
	if before := r.tokens[last]; before.ExpiresAt.Before(found.SeenAt) {
		r.complain("%s: revision %s expired %s before %s was there", found.Source, last.Revision, found.SeenAt.Sub(before.ExpiresAt), of.Revision)
	}
}

func (r *Recorder) complain(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// Excuse lets a grant break the promises: its test takes away all that they rest on.
func (r *Recorder) Excuse(grantID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.excused[grantID] = true
}

// Violations are the promises that were seen to be broken.
func (r *Recorder) Violations() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.problems)
}

// All are the tokens seen so far, by revision.
func (r *Recorder) All() map[Issue]IssuedToken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.tokens)
}

// Currents are the revisions that stand now, by grant id.
func (r *Recorder) Currents() map[string]IssuedToken {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := map[string]IssuedToken{}
	for grantID, of := range r.current {
		now[grantID] = r.tokens[of]
	}
	return now
}

// Check fails the test for each of the violations.
func (r *Recorder) Check(t testing.TB) {
	t.Helper()
	for _, problem := range r.Violations() {
		t.Error(problem)
	}
}

// number reads the number of a revision; below all others where it is none.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
