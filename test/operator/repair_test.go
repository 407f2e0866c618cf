package operator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// formats are both kinds of token: what holds for one has to hold for the other.
var formats = map[string]func(*v1alpha1.RefreshTokenGrant){
	"of a self-contained token": func(*v1alpha1.RefreshTokenGrant) {},
	"of a reference token": func(g *v1alpha1.RefreshTokenGrant) {
		if g.Spec.AccessToken == nil {
			g.Spec.AccessToken = &v1alpha1.GrantAccessToken{}
		}
		g.Spec.AccessToken.Format = v1alpha1.TokenFormatReference
	},
}

func TestADeletedSecretComesBackWithTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t, format, gen.DeliversRefreshToken())
			remove(t, before)
			after := awaitSecret(t, s.namespace, before.Name, isNew(before))
			sameData(t, "after deletion", after, before)
			awaitReady(t, g)
			if g.Status.Revision != 1 {
				t.Errorf("revision %d, want 1", g.Status.Revision)
			}
		})
	}
}

// TestASecretThatIsDeletedAsSoonAsItIsWrittenComesBackWithTheSameBytes: the Secret goes while the
// operator may not have seen its own status yet. The recorder sees whether a revision is made twice.
func TestASecretThatIsDeletedAsSoonAsItIsWrittenComesBackWithTheSameBytes(t *testing.T) {
	t.Parallel()
	s := newScene()
	s.apply(t, s.user(), s.client())
	for i := range 10 {
		g := s.grantNamed(fmt.Sprintf("grant-%d", i))
		s.apply(t, g)
		name, _ := g.TargetName()
		for revision := 1; revision <= 2; revision++ {
			secret := awaitSecret(t, s.namespace, name, hasRevision(revision))
			for range 3 {
				remove(t, secret)
				again := awaitSecret(t, s.namespace, name, isNew(secret))
				sameData(t, g.Name, again, secret)
				secret = again
			}
			if revision == 1 {
				edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{"orders:write"} })
			}
		}
	}
}

func TestAnEditedSecretIsBroughtBack(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t)
	for name, vandalize := range map[string]func(*corev1.Secret){
		"where the token was replaced": func(secret *corev1.Secret) {
			secret.Data[v1alpha1.KeyAccessToken] = []byte(stage.Vandalism + "token")
		},
		"where the token was removed":  func(secret *corev1.Secret) { delete(secret.Data, v1alpha1.KeyAccessToken) },
		"where all data was removed":   func(secret *corev1.Secret) { secret.Data = nil },
		"where the issuer was changed": func(secret *corev1.Secret) { secret.Data[v1alpha1.KeyIssuer] = []byte("https://evil.example.com") },
		"where a key was added":        func(secret *corev1.Secret) { secret.Data["more"] = []byte("more") },
		"where the revision was lost":  func(secret *corev1.Secret) { delete(secret.Annotations, v1alpha1.AnnotationRevision) },
		"where the expiry was changed": func(secret *corev1.Secret) {
			secret.Annotations[v1alpha1.AnnotationExpiresAt] = "2126-01-01T00:00:00Z"
		},
		"where the label was removed": func(secret *corev1.Secret) { delete(secret.Labels, v1alpha1.LabelCredential) },
		"where the owner was removed": func(secret *corev1.Secret) { secret.OwnerReferences = nil },
	} {
		secret := secretNamed(t, s.namespace, before.Name)
		edit(t, secret, vandalize)
		after := awaitSecret(t, s.namespace, before.Name, func(now *corev1.Secret) error {
			return sameMetadata(now, before)
		})
		sameData(t, name, after, before)
		if after.UID != before.UID {
			t.Errorf("%s: the Secret was made anew, not repaired", name)
		}
	}
	awaitReady(t, g)
	if g.Status.Revision != 1 {
		t.Errorf("revision %d, want 1", g.Status.Revision)
	}
}

// sameMetadata also waits for the data: their lengths, which is enough to see that a repair is due.
func sameMetadata(now, before *corev1.Secret) error {
	for key, want := range before.Annotations {
		if now.Annotations[key] != want {
			return fmt.Errorf("annotation %s is %q, want %q", key, now.Annotations[key], want)
		}
	}
	for key := range before.Data {
		if len(now.Data[key]) != len(before.Data[key]) {
			return fmt.Errorf("key %s has not been brought back", key)
		}
	}
	if len(now.Data) != len(before.Data) || len(now.OwnerReferences) != len(before.OwnerReferences) ||
		now.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialOutput {
		return fmt.Errorf("label %q, %d keys, %d owners", now.Labels[v1alpha1.LabelCredential], len(now.Data), len(now.OwnerReferences))
	}
	return nil
}

func TestWhatOthersAddToASecretStays(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, secret := s.issued(t)
	edit(t, secret, func(secret *corev1.Secret) {
		secret.Labels["example.com/team"] = "orders"
		secret.Annotations["example.com/note"] = "mounted by orders"
		secret.Data["more"] = []byte("more")
	})
	after := awaitSecret(t, s.namespace, secret.Name, func(now *corev1.Secret) error {
		if _, there := now.Data["more"]; there {
			return fmt.Errorf("the data has not been repaired")
		}
		return nil
	})
	if after.Labels["example.com/team"] != "orders" || after.Annotations["example.com/note"] != "mounted by orders" {
		t.Errorf("labels %v, annotations %v", after.Labels, after.Annotations)
	}
	awaitReady(t, g)
}

func TestALostStatusIsRebuiltFromTheSecret(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t, format)
			known := g.DeepCopy()
			loseStatus(t, g)
			awaitReady(t, g)
			if g.Status.TokenID != known.Status.TokenID || g.Status.Revision != 1 || !g.Status.NotAfter.Equal(known.Status.NotAfter) ||
				!g.Status.RenewalTime.Equal(known.Status.RenewalTime) {
				t.Errorf("status %+v, want %+v", g.Status, known.Status)
			}
			sameData(t, "after the status was lost", secretOf(t, g), before)
		})
	}
}

func TestWhereSecretAndStatusAreLostThereIsANewToken(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t, format)
			seen.Excuse(g.Spec.ID)
			// Suspended, nothing is written in between.
			edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateSuspended })
			awaitRefused(t, g, v1alpha1.ReasonSuspended)
			remove(t, before)
			loseStatus(t, g)
			awaitRefused(t, g, v1alpha1.ReasonSuspended)
			awaitTime(t, issuedAt(t, before).Add(time.Second)) // a second has one token
			edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateActive })
			awaitReady(t, g)
			if string(secretOf(t, g).Data[v1alpha1.KeyAccessToken]) == string(before.Data[v1alpha1.KeyAccessToken]) {
				t.Error("the token is the old one")
			}
		})
	}
}

func TestALostSessionMakesANewRevision(t *testing.T) {
	t.Parallel()
	s := newScene()
	_, before := s.issued(t, formats["of a reference token"])
	token := string(before.Data[v1alpha1.KeyAccessToken])
	session := &v1alpha1.AuthSession{}
	key := client.ObjectKey{Namespace: s.namespace, Name: tokens.SessionName(token)}
	if err := admin.Get(t.Context(), key, session); err != nil {
		t.Fatal(err)
	}
	remove(t, session)
	after := awaitSecret(t, s.namespace, before.Name, hasRevision(2))
	if strings.EqualFold(token, string(after.Data[v1alpha1.KeyAccessToken])) {
		t.Error("the token is the revoked one")
	}
}
