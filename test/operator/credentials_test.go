package operator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

func TestAMissingPasswordSecretIsAskedForAndNeverMade(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		// there is what stands under the Secret's name, or nil.
		there  func(*corev1.Secret)
		reason string
		// remedy is what a person does about it.
		remedy func(secret *corev1.Secret, password string)
		// onlyHash: a password would be good.
		onlyHash bool
	}{
		"absent": {reason: v1alpha1.ReasonSecretNotFound},
		"not labelled": {
			there: func(s *corev1.Secret) { s.Labels = nil }, reason: v1alpha1.ReasonSecretNotFound,
			remedy: func(s *corev1.Secret, _ string) {
				s.Labels = map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialInput}
			},
		},
		"without the key": {
			there: func(s *corev1.Secret) { s.Data = nil }, reason: v1alpha1.ReasonSecretInvalid, remedy: fill,
		},
		"an issued token": {
			there:  func(s *corev1.Secret) { s.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialOutput },
			reason: v1alpha1.ReasonSecretNotFound,
			remedy: func(s *corev1.Secret, _ string) { s.Labels[v1alpha1.LabelCredential] = v1alpha1.CredentialInput },
		},
		"no hash": {
			there: func(s *corev1.Secret) { fill(s, "open sesame") }, reason: v1alpha1.ReasonSecretInvalid, remedy: fill, onlyHash: true,
		},
		"a hash that costs too much": {
			there:  func(s *corev1.Secret) { fill(s, strings.Replace(bcryptOf, "$05$", "$31$", 1)) },
			reason: v1alpha1.ReasonSecretInvalid, remedy: fill, onlyHash: true,
		},
	} {
		for what, source := range map[string]struct {
			from     func(*v1alpha1.AuthUser)
			password string
		}{"password": {gen.Password(), "open sesame"}, "hash": {gen.PasswordHash(), bcryptOf}} {
			if tc.onlyHash && what != "hash" {
				continue
			}
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newScene()
				user := s.user(source.from)
				secret := gen.PasswordSecret(user.Name, source.password)
				if tc.there != nil {
					tc.there(secret)
					s.apply(t, secret)
				}
				s.apply(t, user)
				message := awaitRefused(t, user, tc.reason)
				line := fmt.Sprintf("kubectl label secret -n %s %s auth.grantkeeper.dev/credential=input", s.namespace, secret.Name)
				if name == "not labelled" && !strings.Contains(message, line) {
					t.Errorf("the message is %q, want it to hold %q", message, line)
				}
				if !strings.Contains(message, secret.Name) || tc.reason == v1alpha1.ReasonSecretInvalid && !strings.Contains(message, v1alpha1.KeyPassword) {
					t.Errorf("the message %q does not name the Secret and its key", message)
				}
				if tc.there == nil {
					s.apply(t, secret)
				} else {
					edit(t, secret, func(secret *corev1.Secret) { tc.remedy(secret, source.password) })
				}
				awaitReady(t, user)
			})
		}
	}
}

// fill puts a password where Password and PasswordHash look for it.
func fill(secret *corev1.Secret, password string) {
	secret.Data = map[string][]byte{v1alpha1.KeyPassword: []byte(password)}
}

func TestAMissingClientSecretIsAskedForToo(t *testing.T) {
	t.Parallel()
	s := newScene()
	c := gen.AuthClient(s.name("billing"))
	s.apply(t, c)
	if message := awaitRefused(t, c, v1alpha1.ReasonSecretNotFound); !strings.Contains(message, "kubectl label secret") {
		t.Errorf("the message %q does not say what to do", message)
	}
	s.apply(t, gen.ClientSecret(c.Name, "a consumer secret"))
	awaitReady(t, c)
}

func TestAGeneratedCredentialIsTheSameHoweverItWasLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		object func(s *scene) client.Object
		secret string
		keys   []string
	}{
		"a password": {
			object: func(s *scene) client.Object {
				return s.user(func(u *v1alpha1.AuthUser) {
					u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: s.name("generated"), Length: new(int32(40))}}
				})
			},
			keys: []string{v1alpha1.KeyUsername, v1alpha1.KeyPassword},
		},
		"a client secret": {
			object: func(s *scene) client.Object {
				return s.client(func(c *v1alpha1.AuthClient) { c.Spec.Secret.Generate.SecretName = s.name("generated") })
			},
			keys: []string{v1alpha1.KeyClientID, v1alpha1.KeyClientSecret},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			object := tc.object(s)
			s.apply(t, object)
			awaitReady(t, object)
			first := secretNamed(t, s.namespace, s.name("generated"))
			for _, key := range tc.keys {
				if len(first.Data[key]) == 0 {
					t.Fatalf("key %s is empty", key)
				}
			}
			if user, isUser := object.(*v1alpha1.AuthUser); isUser && len(first.Data[v1alpha1.KeyPassword]) != 40 {
				t.Errorf("the password of %q has %d characters, want 40", user.Name, len(first.Data[v1alpha1.KeyPassword]))
			}
			same := func(what string, check func(*corev1.Secret) error) {
				t.Helper()
				now := awaitSecret(t, s.namespace, first.Name, check)
				sameData(t, what, now, first)
			}

			remove(t, first)
			same("after the Secret was deleted", isNew(first))

			loseStatus(t, object)
			awaitReady(t, object)
			same("after the status was lost", func(*corev1.Secret) error { return nil })

			edited := secretNamed(t, s.namespace, first.Name)
			edit(t, edited, func(secret *corev1.Secret) { secret.Data[tc.keys[1]] = []byte(stage.Vandalism + "credential") })
			same("after an edit", func(now *corev1.Secret) error {
				if strings.HasPrefix(string(now.Data[tc.keys[1]]), stage.Vandalism) {
					return fmt.Errorf("it has not been repaired")
				}
				return nil
			})

			edit(t, edited, func(secret *corev1.Secret) { delete(secret.Labels, v1alpha1.LabelCredential) })
			same("after the label was removed", func(now *corev1.Secret) error {
				if now.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialOutput {
					return fmt.Errorf("the label has not been repaired")
				}
				return nil
			})
			awaitReady(t, object)
		})
	}
}

func TestAGeneratedCredentialIsAnotherOneWhereNothingIsLeftOfIt(t *testing.T) {
	t.Parallel()
	s := newScene()
	c := s.client()
	s.apply(t, c)
	awaitReady(t, c)
	first := secretNamed(t, s.namespace, c.Spec.Secret.Generate.SecretName)
	remove(t, c)
	awaitGone(t, first)
	awaitTime(t, c.Status.GeneratedAt.Add(time.Second))
	again := s.client()
	s.apply(t, again)
	awaitReady(t, again)
	second := secretNamed(t, s.namespace, first.Name)
	if string(second.Data[v1alpha1.KeyClientSecret]) == string(first.Data[v1alpha1.KeyClientSecret]) {
		t.Error("the secret of a client that was deleted has come back")
	}
}

func TestANameThatIsHeldIsRefusedUntilItsHolderGoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		holder, later func(s *scene) client.Object
		reason        string
	}{
		"a username, in another case": {
			holder: func(s *scene) client.Object { return gen.AuthUser(s.name("holder"), gen.Username("Carol"+s.suffix)) },
			later:  func(s *scene) client.Object { return gen.AuthUser(s.name("later"), gen.Username("carol"+s.suffix)) },
			reason: v1alpha1.ReasonDuplicateLogin,
		},
		"a username that is another's e-mail address": {
			holder: func(s *scene) client.Object {
				return gen.AuthUser(s.name("holder"), gen.Profile("Carol", "Doe", "carol"+s.suffix+"@example.com"))
			},
			later: func(s *scene) client.Object {
				return gen.AuthUser(s.name("later"), gen.Username("carol"+s.suffix+"@example.com"))
			},
			reason: v1alpha1.ReasonDuplicateLogin,
		},
		"a subject": {
			holder: func(s *scene) client.Object { return gen.AuthUser(s.name("holder")) },
			later: func(s *scene) client.Object {
				return gen.AuthUser(s.name("later"), func(u *v1alpha1.AuthUser) { u.Spec.Subject = gen.Subject(s.name("holder")) })
			},
			reason: v1alpha1.ReasonDuplicateSubject,
		},
		"a client_id": {
			holder: func(s *scene) client.Object { return s.client() },
			later: func(s *scene) client.Object {
				c := s.client(gen.ClientID(s.name("billing")))
				c.Name, c.Spec.Secret.Generate.SecretName = s.name("later"), s.name("later-client")
				return c
			},
			reason: v1alpha1.ReasonDuplicateClientID,
		},
		"a grant's id": {
			holder: func(s *scene) client.Object { return s.grantNamed("holder") },
			later: func(s *scene) client.Object {
				return s.grantNamed("later", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = gen.GrantID(s.name("holder")) })
			},
			reason: v1alpha1.ReasonDuplicateGrantID,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			holder, later := tc.holder(s), tc.later(s)
			if g, isGrant := holder.(*v1alpha1.RefreshTokenGrant); isGrant {
				seen.Excuse(g.Spec.ID) // two grants have it
				s.apply(t, s.user(), s.client())
			}
			s.apply(t, holder)
			awaitReady(t, holder)
			s.apply(t, later)
			if message := awaitRefused(t, later, tc.reason); !strings.Contains(message, holder.GetName()) {
				t.Errorf("the message %q does not name the holder", message)
			}
			awaitReady(t, holder)
			remove(t, holder)
			awaitReady(t, later)
		})
	}
}

func TestTheGrantsOfADuplicateWaitForIt(t *testing.T) {
	t.Parallel()
	s := newScene()
	holder := gen.AuthUser(s.name("holder"), gen.Username(s.name("alice")))
	s.apply(t, holder)
	awaitReady(t, holder)
	g := s.grant()
	s.apply(t, s.user(), s.client(), g)
	awaitRefused(t, g, v1alpha1.ReasonUserNotReady)
	remove(t, holder)
	awaitReady(t, g)
	await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionTrue, v1alpha1.ReasonScheduled)
}
