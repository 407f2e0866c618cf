package controllers

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
)

// generated is a credential that the operator makes and keeps in a Secret.
type generated struct {
	// kind and id say whose it is: the kind of its owner, and the subject or client_id.
	kind, id string
	owner    metav1.Object
	secret   string
	// status is the second it was made as status has it; nil where it was lost or never made. live
	// reads it past the cache.
	status *metav1.Time
	live   func(context.Context) (*metav1.Time, error)
	// data derives the Secret's content from that second.
	data func(ring *keys.Ring, at time.Time) map[string][]byte
}

// keepGenerated keeps a generated credential, and returns the second for status and whether all is
// well. Without a keyring nothing can be derived and nothing is touched.
func (c *Common) keepGenerated(ctx context.Context, t *directory.Tenant, g *generated, now time.Time) (*metav1.Time, directory.Standing, error) {
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return g.status, standing, nil
	}
	observed, _ := t.Secret(g.secret)
	if g.status == nil && observed == nil {
		// It was never made, or both of its records have not been seen yet: only one of them is a
		// reason to make it.
		var err error
		if g.status, err = g.live(ctx); client.IgnoreNotFound(err) != nil {
			return nil, standing, fmt.Errorf("read the status: %w", err)
		}
	}
	at, standing, err := g.keep(ctx, c.Secrets, ring, observed, now)
	if err != nil || !standing.Good() {
		return g.status, standing, err
	}
	return &metav1.Time{Time: at}, standing, nil
}

func (g *generated) target() secretwriter.Target {
	return secretwriter.Target{
		Namespace:  g.owner.GetNamespace(),
		Name:       g.secret,
		Credential: v1alpha1.CredentialOutput,
		Evidence:   secretwriter.Evidence{Annotation: v1alpha1.AnnotationGeneratedFor, Value: g.kind + "/" + g.id},
		Owner:      ownerReference(g.kind, g.owner),
	}
}

// keep brings the Secret of a generated credential to what it shall hold, and returns the second
// that it is derived from. The second is in the Secret before it is in status, so that a crash
// between the two does not make a second credential.
func (g *generated) keep(ctx context.Context, writer *secretwriter.Writer, ring *keys.Ring, observed *corev1.Secret, now time.Time) (time.Time, directory.Standing, error) {
	for range maxRaces {
		at, known := directory.GeneratedAt(g.status, observed)
		if !known {
			at = now.UTC().Truncate(time.Second)
		}
		content := secretwriter.Content{
			Data:        g.data(ring, at),
			Annotations: map[string]string{v1alpha1.AnnotationGeneratedAt: at.UTC().Format(time.RFC3339)},
		}
		seen := secretwriter.Observed{Secret: observed, Vouched: g.vouches(ring, observed)}
		result, err := writer.Write(ctx, g.target(), content, seen)
		if err != nil {
			return time.Time{}, directory.Standing{}, fmt.Errorf("write the generated credential: %w", err)
		}
		switch result.Outcome {
		case secretwriter.OutcomeRaced:
			observed = result.Secret
		case secretwriter.OutcomeRefused:
			return time.Time{}, targetConflict(g.secret, result.Verdict), nil
		default:
			return at, directory.Standing{}, nil
		}
	}
	return time.Time{}, directory.Standing{}, errRaced
}

// vouches tells whether a Secret holds what only this tenant's keys can have derived, which makes up
// for a lost label.
func (g *generated) vouches(ring *keys.Ring, observed *corev1.Secret) bool {
	at, known := directory.GeneratedAt(nil, observed)
	return known && equality.Semantic.DeepEqual(g.data(ring, at), observed.Data)
}
