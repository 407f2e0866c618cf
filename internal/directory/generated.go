package directory

import (
	"crypto/subtle"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/rotation"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// The purposes of generated credentials; part of what their bytes are derived from.
const (
	userPassword = "AuthUser/password"
	clientSecret = "AuthClient/secret"
)

// clientSecretLength is as many base64url characters as 256 bits need.
const clientSecretLength = 43

// Generated is a credential that the operator makes: it follows from the tenant's keyring and the
// second it was made.
type Generated struct {
	// OwnerKind and OwnerID say whose it is: the kind of an object, and its subject or client_id.
	OwnerKind, OwnerID string
	// SecretName names the Secret that holds it, and Key is the data key there.
	SecretName, Key string
	Policy          rotation.Policy
	// Status is the generation as status has it; zero where that was lost or never written.
	Status rotation.Generation

	purpose string
	length  int
}

// Derive makes the credential of a second.
func (g *Generated) Derive(ring *keys.Ring, at time.Time) sensitive.String {
	return ring.GeneratedCredential(g.purpose, g.OwnerID, at, g.length)
}

// GenerationOf is the generation that a status tells.
func GenerationOf(current, previous *metav1.Time) rotation.Generation {
	if current == nil {
		return rotation.Generation{}
	}
	generation := rotation.Generation{Current: current.UTC()}
	if previous != nil {
		generation.Previous = previous.UTC()
	}
	return generation
}

// Recorded finds which generation was made last. It stands in status and in the Secret's
// annotations, and the Secret is written first: where it is ahead, and holds what only this tenant's
// keys can have made of its second, it is right. Otherwise status is, and an annotation is drift.
// Where status is lost the Secret's second is taken as it stands, since nothing else is known.
func (g *Generated) Recorded(ring *keys.Ring, secret *corev1.Secret) rotation.Generation {
	written := generationIn(secret)
	genuine := !written.IsZero() && g.holds(ring, secret, written.Current)
	switch {
	case g.Status.IsZero() && genuine:
		return written
	case g.Status.IsZero():
		return rotation.Generation{Current: written.Current}
	case !genuine || !written.Current.After(g.Status.Current):
		return g.Status
	case written.Previous.Equal(g.Status.Current):
		return written
	}
	// An annotation alone must not say that an old credential is good again.
	return rotation.Generation{Current: written.Current}
}

// holds tells whether a Secret holds the credential of a second.
func (g *Generated) holds(ring *keys.Ring, secret *corev1.Secret, at time.Time) bool {
	return subtle.ConstantTimeCompare(secret.Data[g.Key], []byte(g.Derive(ring, at).Reveal())) == 1
}

// generationIn reads the annotations; zero where they tell nothing.
func generationIn(secret *corev1.Secret) rotation.Generation {
	current, annotated := GeneratedAt(secret)
	if !annotated {
		return rotation.Generation{}
	}
	generation := rotation.Generation{Current: current}
	previous, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationPreviousGeneratedAt])
	if err == nil && previous.Before(current) {
		generation.Previous = previous.UTC()
	}
	return generation
}

// GeneratedAt is the second that a Secret's annotation tells; false for one without, and for nil.
func GeneratedAt(secret *corev1.Secret) (at time.Time, annotated bool) {
	if secret == nil {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationGeneratedAt])
	return at.UTC(), err == nil
}

// counting is a credential that is good, and until when; zero: as long as nothing changes.
type counting struct {
	text  sensitive.String
	until time.Time
}

// read takes the derived values, never the Secret's bytes: an edit of these is drift.
func (g *Generated) read(ring *keys.Ring, secret *corev1.Secret) ([]counting, Standing) {
	generation := g.Recorded(ring, secret)
	if generation.IsZero() {
		return nil, NewStanding(v1alpha1.ReasonPending, "the credential has not been generated yet")
	}
	all := []counting{{text: g.Derive(ring, generation.Current)}}
	if end := g.Policy.OverlapEnd(generation); !end.IsZero() {
		all = append(all, counting{g.Derive(ring, generation.Previous), end})
	}
	return all, Standing{}
}

// Generated is the user's password, where the operator makes it; nil otherwise.
func (u *User) Generated() *Generated { return u.generated }

// Generated is the client's secret, where the operator makes it; nil otherwise.
func (c *Client) Generated() *Generated { return c.generated }

func generatedPassword(u *v1alpha1.AuthUser) (*Generated, error) {
	if u.Spec.Password == nil || u.Spec.Password.Generate == nil {
		return nil, nil //nolint:nilnil // a user whose password is not generated is no error
	}
	spec := u.Spec.Password.Generate
	every, overlap, err := spec.Rotation()
	return &Generated{
		OwnerKind:  "AuthUser",
		OwnerID:    u.Spec.Subject,
		SecretName: spec.SecretName,
		Key:        v1alpha1.KeyPassword,
		Policy:     rotation.Policy{Every: every, Overlap: overlap},
		Status:     GenerationOf(u.Status.GeneratedAt, u.Status.PreviousGeneratedAt),
		purpose:    userPassword,
		length:     spec.EffectiveLength(),
	}, err
}

func generatedClientSecret(c *v1alpha1.AuthClient) (*Generated, error) {
	if c.Spec.Secret == nil || c.Spec.Secret.Generate == nil {
		return nil, nil //nolint:nilnil // a client whose secret is not generated is no error
	}
	spec := c.Spec.Secret.Generate
	every, overlap, err := spec.Rotation()
	return &Generated{
		OwnerKind:  "AuthClient",
		OwnerID:    c.EffectiveClientID(),
		SecretName: spec.SecretName,
		Key:        v1alpha1.KeyClientSecret,
		Policy:     rotation.Policy{Every: every, Overlap: overlap},
		Status:     GenerationOf(c.Status.GeneratedAt, c.Status.PreviousGeneratedAt),
		purpose:    clientSecret,
		length:     clientSecretLength,
	}, err
}
