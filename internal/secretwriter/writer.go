package secretwriter

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// FieldOwner is the name under which the API server records these writes.
const FieldOwner = client.FieldOwner("grantkeeper-secretwriter")

// Outcome is what came of a write.
type Outcome string

// The outcomes.
const (
	// OutcomeUnchanged: the Secret was right already; nothing was sent.
	OutcomeUnchanged Outcome = "Unchanged"
	// OutcomeCreated: there was none.
	OutcomeCreated Outcome = "Created"
	// OutcomeUpdated: it holds the content now.
	OutcomeUpdated Outcome = "Updated"
	// OutcomeRaced: what was observed is no longer so and nothing was written.
	// Result.Secret is the live object; the caller judges and decides anew.
	OutcomeRaced Outcome = "Raced"
	// OutcomeRefused: the Secret is not ours to write, and was left untouched.
	// Result.Verdict says why.
	OutcomeRefused Outcome = "Refused"
)

// Result is the outcome of one write.
type Result struct {
	Outcome Outcome
	// Verdict is what was judged before the write.
	Verdict Verdict
	// Secret is the object as the API server has it now, as far as is known:
	// after OutcomeRaced read live, and nil where it is gone.
	Secret *corev1.Secret
}

// Wrote tells whether something was written.
func (r *Result) Wrote() bool { return r.Outcome == OutcomeCreated || r.Outcome == OutcomeUpdated }

// Writer writes Secrets. It is safe for concurrent use and holds no state.
type Writer struct {
	client client.Writer
	live   client.Reader
}

// New makes a Writer. live must not read from a cache: it is asked only after a
// cache has been proven wrong.
func New(writer client.Writer, live client.Reader) *Writer {
	return &Writer{client: writer, live: live}
}

// Write makes the Secret hold the content, provided that it is absent or ours
// and still the one observed. It writes at most once and never retries. An
// error means that the API server did not answer or refused the object; the
// Secret may then have been written or not.
func (w *Writer) Write(ctx context.Context, target Target, content Content, observed Observed) (Result, error) {
	if err := target.check(observed.Secret); err != nil {
		return Result{}, err
	}
	verdict := target.Judge(observed)
	switch verdict {
	case VerdictAbsent:
		return w.create(ctx, target.render(content, nil))
	case VerdictOurs:
		return w.update(ctx, observed.Secret, target.render(content, observed.Secret))
	default:
		return Result{Outcome: OutcomeRefused, Verdict: verdict, Secret: observed.Secret}, nil
	}
}

func (w *Writer) create(ctx context.Context, secret *corev1.Secret) (Result, error) {
	err := w.client.Create(ctx, secret, FieldOwner)
	switch {
	case err == nil:
		return Result{Outcome: OutcomeCreated, Verdict: VerdictAbsent, Secret: secret}, nil
	case apierrors.IsAlreadyExists(err):
		return w.raced(ctx, secret, VerdictAbsent)
	default:
		return Result{}, fmt.Errorf("create Secret %q: %w", client.ObjectKeyFromObject(secret), err)
	}
}

func (w *Writer) update(ctx context.Context, observed, secret *corev1.Secret) (Result, error) {
	if equality.Semantic.DeepEqual(observed, secret) {
		return Result{Outcome: OutcomeUnchanged, Verdict: VerdictOurs, Secret: observed}, nil
	}
	err := w.client.Update(ctx, secret, FieldOwner)
	switch {
	case err == nil:
		return Result{Outcome: OutcomeUpdated, Verdict: VerdictOurs, Secret: secret}, nil
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return w.raced(ctx, secret, VerdictOurs)
	default:
		return Result{}, fmt.Errorf("update Secret %q: %w", client.ObjectKeyFromObject(secret), err)
	}
}

func (w *Writer) raced(ctx context.Context, secret *corev1.Secret, verdict Verdict) (Result, error) {
	result := Result{Outcome: OutcomeRaced, Verdict: verdict}
	key, live := client.ObjectKeyFromObject(secret), &corev1.Secret{}
	err := w.live.Get(ctx, key, live)
	switch {
	case err == nil:
		result.Secret = live
		return result, nil
	case apierrors.IsNotFound(err):
		return result, nil
	default:
		return Result{}, fmt.Errorf("read Secret %q after a lost race: %w", key, err)
	}
}
