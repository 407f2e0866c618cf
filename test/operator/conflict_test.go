package operator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestASecretOfSomebodyElsesIsLeftAloneAndTheGrantHealsOnceItIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]func(foreign *corev1.Secret){
		"without a label": func(*corev1.Secret) {},
		"with our label": func(foreign *corev1.Secret) {
			foreign.Labels = map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialOutput}
		},
		"with another grant's id": func(foreign *corev1.Secret) {
			foreign.Labels = map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialOutput}
			foreign.Annotations = map[string]string{v1alpha1.AnnotationGrantID: gen.GrantID("somebody-else")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g := s.grant()
			target, _ := g.TargetName()
			foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: target}, Data: map[string][]byte{"key": []byte("of somebody else")}}
			tc(foreign)
			c := s.client()
			s.apply(t, foreign, s.user(), c)
			awaitReady(t, c) // nothing that changes later may lead to another look
			s.apply(t, g)
			message := awaitRefused(t, g, v1alpha1.ReasonTargetConflict)
			if todo := fmt.Sprintf("kubectl delete secret -n %s %s", s.namespace, target); !strings.Contains(message, todo) {
				t.Errorf("the message %q does not say what to do", message)
			}
			if now := secretNamed(t, s.namespace, target); now.ResourceVersion != foreign.ResourceVersion {
				t.Error("the Secret was touched")
			}
			remove(t, foreign)
			awaitReady(t, g)
		})
	}
}

func TestAnImmutableSecretIsLeftAloneUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, secret := s.issued(t)
	edit(t, secret, func(secret *corev1.Secret) { secret.Immutable = new(true) })
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{"orders:write"} })
	if message := awaitRefused(t, g, v1alpha1.ReasonTargetConflict); !strings.Contains(message, "delete it") {
		t.Errorf("the message %q does not say what to do", message)
	}
	remove(t, secret)
	awaitReady(t, g)
}

func TestOfTwoGrantsForOneSecretTheOlderWins(t *testing.T) {
	t.Parallel()
	s := newScene()
	older := s.grantNamed("older", gen.Target(s.name("contested")))
	younger := s.grantNamed("a-younger", gen.Target(s.name("contested"))) // first in the alphabet
	s.apply(t, older)
	awaitTime(t, older.CreationTimestamp.Add(time.Second)) // ages are whole seconds
	s.apply(t, younger, s.user(), s.client())
	awaitReady(t, older)
	if message := awaitRefused(t, younger, v1alpha1.ReasonTargetConflict); !strings.Contains(message, s.name("contested")) {
		t.Errorf("the message %q does not name the Secret", message)
	}
	if id := secretOf(t, older).Annotations[v1alpha1.AnnotationGrantID]; id != older.Spec.ID {
		t.Errorf("the Secret is grant %s's, want the older's", id)
	}
	remove(t, older)
	awaitReady(t, younger)
}

func TestTheGrantThatASecretNamesKeepsItAgainstAnOlderOne(t *testing.T) {
	t.Parallel()
	s := newScene()
	older := s.grantNamed("older", gen.Target(s.name("contested")), gen.GrantState(v1alpha1.GrantStateSuspended))
	younger := s.grantNamed("younger", gen.Target(s.name("contested")))
	s.apply(t, s.user(), s.client(), younger)
	awaitReady(t, younger)
	before := secretOf(t, younger)
	// As after a restore, when the older one comes back later: its creation is a matter of its status
	// no more than of its name. What the Secret says comes first.
	s.apply(t, older)
	edit(t, older, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = v1alpha1.GrantStateActive })
	awaitRefused(t, older, v1alpha1.ReasonTargetConflict)
	awaitReady(t, younger)
	sameData(t, "the contested Secret", secretOf(t, younger), before)
}

func TestASecretGoesWithItsGrantUnlessItIsToStay(t *testing.T) {
	t.Parallel()
	s := newScene()
	owned := s.grantNamed("owned")
	orphan := s.grantNamed("orphan", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Target.CreationPolicy = v1alpha1.CreationPolicyOrphan })
	s.apply(t, s.user(), s.client(), owned, orphan)
	awaitReady(t, owned, orphan)
	goes, stays := secretOf(t, owned), secretOf(t, orphan)
	if len(stays.OwnerReferences) != 0 {
		t.Errorf("the Secret that is to stay has owners: %v", stays.OwnerReferences)
	}
	remove(t, orphan)
	remove(t, owned)
	awaitGone(t, goes)
	sameData(t, "the Secret that is to stay", secretNamed(t, s.namespace, stays.Name), stays)
}

func TestAGeneratedCredentialDoesNotTakeSomebodyElsesSecret(t *testing.T) {
	t.Parallel()
	s := newScene()
	c := s.client()
	foreign := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: c.Spec.Secret.Generate.SecretName},
		Data:       map[string][]byte{"key": []byte("of somebody else")},
	}
	s.apply(t, foreign, c)
	awaitRefused(t, c, v1alpha1.ReasonTargetConflict)
	if now := secretNamed(t, s.namespace, foreign.Name); now.ResourceVersion != foreign.ResourceVersion {
		t.Error("the Secret was touched")
	}
	remove(t, foreign)
	awaitReady(t, c)
}
