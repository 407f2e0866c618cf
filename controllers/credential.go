package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/rotation"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// generated is a credential that the operator makes and keeps in a Secret.
type generated struct {
	directory.Generated
	owner metav1.Object
	// live reads past the cache which generation status tells.
	live func(context.Context) (rotation.Generation, error)
	// beside is what the Secret holds beside the credential.
	beside map[string]string
}

// keepGenerated keeps a generated credential, and returns the generation for status and whether all
// is well. Without a keyring nothing can be derived and nothing is touched.
func (c *Common) keepGenerated(ctx context.Context, t *directory.Tenant, g *generated, now time.Time) (rotation.Generation, directory.Standing, error) {
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return g.Status, standing, nil
	}
	observed, _ := t.Secret(g.SecretName)
	if g.Status.IsZero() && observed == nil {
		// It was never made, or both of its records have not been seen yet: only one of them is a
		// reason to make it.
		var err error
		if g.Status, err = g.live(ctx); client.IgnoreNotFound(err) != nil {
			return rotation.Generation{}, standing, fmt.Errorf("read the status: %w", err)
		}
	}
	kept, standing, err := g.keep(ctx, c.Secrets, ring, observed, now)
	if err != nil || !standing.Good() {
		return g.Status, standing, err
	}
	return kept, standing, nil
}

func (g *generated) target() secretwriter.Target {
	return secretwriter.Target{
		Namespace:  g.owner.GetNamespace(),
		Name:       g.SecretName,
		Credential: v1alpha1.CredentialOutput,
		Evidence:   secretwriter.Evidence{Annotation: v1alpha1.AnnotationGeneratedFor, Value: g.OwnerKind + "/" + g.OwnerID},
		Owner:      secretwriter.OwnerReference(g.OwnerKind, g.owner),
	}
}

// keep brings the Secret of a generated credential to what it shall hold, and returns the generation
// that it is. The generation is in the Secret before it is in status, so that a crash between the
// two does not make a second credential.
func (g *generated) keep(ctx context.Context, writer *secretwriter.Writer, ring *keys.Ring, observed *corev1.Secret, now time.Time) (rotation.Generation, directory.Standing, error) {
	for range maxRaces {
		found := g.Recorded(ring, observed)
		if found.IsZero() {
			found.Current = now.UTC().Truncate(time.Second)
		}
		wanted := g.Policy.Decide(found, now)
		content := secretwriter.Content{Data: g.data(ring, wanted.Current)}
		content.Annotations, content.GoneAnnotations = annotationsOf(wanted)
		seen := secretwriter.Observed{Secret: observed, Vouched: g.vouches(ring, observed)}
		result, err := writer.Write(ctx, g.target(), content, seen)
		if err != nil {
			return found, directory.Standing{}, fmt.Errorf("write the generated credential: %w", err)
		}
		switch result.Outcome {
		case secretwriter.OutcomeRaced:
			observed = result.Secret
		case secretwriter.OutcomeRefused:
			return found, targetConflict(types.NamespacedName{Namespace: g.owner.GetNamespace(), Name: g.SecretName}, result.Verdict), nil
		default:
			if wanted.Current.After(found.Current) {
				log.FromContext(ctx).Info("Rotated a generated credential", "secret", g.SecretName, "generatedAt", second(wanted.Current))
			}
			return wanted, directory.Standing{}, nil
		}
	}
	return rotation.Generation{}, directory.Standing{}, errRaced
}

func (g *generated) data(ring *keys.Ring, at time.Time) map[string][]byte {
	data := map[string][]byte{g.Key: []byte(g.Derive(ring, at).Reveal())}
	for key, value := range g.beside {
		data[key] = []byte(value)
	}
	return data
}

// vouches tells whether a Secret holds what only this tenant's keys can have derived, which makes up
// for a lost label.
func (g *generated) vouches(ring *keys.Ring, observed *corev1.Secret) bool {
	at, annotated := directory.GeneratedAt(observed)
	return annotated && equality.Semantic.DeepEqual(g.data(ring, at), observed.Data)
}

// annotationsOf are the seconds of a generation as a Secret tells them, and the annotations that it
// must not have.
func annotationsOf(generation rotation.Generation) (tells map[string]string, gone []string) {
	tells = map[string]string{v1alpha1.AnnotationGeneratedAt: second(generation.Current)}
	if generation.Previous.IsZero() {
		return tells, []string{v1alpha1.AnnotationPreviousGeneratedAt}
	}
	tells[v1alpha1.AnnotationPreviousGeneratedAt] = second(generation.Previous)
	return tells, nil
}

func second(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// timeOf is a moment as status holds it; nil for none.
func timeOf(at time.Time) *metav1.Time {
	if at.IsZero() {
		return nil
	}
	return &metav1.Time{Time: at}
}
