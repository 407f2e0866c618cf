package operator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// backWithin is how soon a Secret that was edited or deleted is as it was.
const backWithin = 5 * time.Second

func TestASecretIsBackWithinSecondsWithTheSameTokenAndOneEvent(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*testing.T, *corev1.Secret){
		"that was deleted": func(t *testing.T, secret *corev1.Secret) {
			t.Helper()
			remove(t, secret)
		},
		"that was edited": func(t *testing.T, secret *corev1.Secret) {
			t.Helper()
			edit(t, secret, func(secret *corev1.Secret) { secret.Data[v1alpha1.KeyAccessToken] = []byte(stage.Vandalism + "token") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t)
			harm(t, before.DeepCopy())
			harmed := time.Now()
			after := awaitSecret(t, s.namespace, before.Name, func(now *corev1.Secret) error {
				if string(now.Data[v1alpha1.KeyAccessToken]) != string(before.Data[v1alpha1.KeyAccessToken]) {
					return errors.New("the token is not back yet")
				}
				return nil
			})
			if took := time.Since(harmed); took > backWithin {
				t.Errorf("it was back after %s, want %s", took, backWithin)
			}
			sameData(t, "when it was back", after, before)
			awaitReady(t, g)
			controlplane.Eventually(t, patience, func(ctx context.Context) error { return hasOneEvent(ctx, g, "SecretRepaired") })
		})
	}
}

// hasOneEvent counts the Events about a grant, and those that the API server has counted itself.
func hasOneEvent(ctx context.Context, g *v1alpha1.RefreshTokenGrant, reason string) error {
	events := &eventsv1.EventList{}
	if err := admin.List(ctx, events, client.InNamespace(g.Namespace)); err != nil {
		return err
	}
	told := 0
	for i := range events.Items {
		event := &events.Items[i]
		if event.Regarding.UID != g.UID || event.Reason != reason {
			continue
		}
		if told++; event.Series != nil {
			told += int(event.Series.Count)
		}
	}
	if told != 1 {
		return fmt.Errorf("%d Events, want one", told)
	}
	return nil
}

// fight changes a Secret whenever it is as the operator wants it, for a while, and counts how often that
// was.
func fight(t *testing.T, key client.ObjectKey, lasts time.Duration) (repairs int) {
	t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		controlplane.Eventually(t, patience, func(ctx context.Context) error {
			secret := &corev1.Secret{}
			if err := admin.Get(ctx, key, secret); err != nil {
				return err
			}
			if _, mine := secret.Data["mine"]; mine && time.Now().Before(end) {
				return errors.New("nobody has changed it")
			}
			secret.Data["mine"] = []byte("mine")
			err := admin.Update(ctx, secret, client.FieldOwner("rival"))
			if err == nil {
				repairs++
			}
			if apierrors.IsConflict(err) {
				return err
			}
			return err
		})
	}
	return repairs
}

func TestAWriterWhoKeepsChangingASecretIsNotFoughtAndTheTokenIsRenewedMeanwhile(t *testing.T) {
	t.Parallel()
	const lasts, within = 40 * time.Second, 12
	s := newScene()
	g, secret := s.issued(t, lifetime("30s", "15s"))
	changes := fight(t, client.ObjectKeyFromObject(secret), lasts)
	message := await(t, g, v1alpha1.ConditionDrifted, metav1.ConditionTrue, v1alpha1.ReasonCompetingWriter)
	for _, want := range []string{secret.Name, `"rival"`} {
		if !strings.Contains(message, want) {
			t.Errorf("the message %q does not hold %s", message, want)
		}
	}
	// Each change but the first answers a repair or a renewal.
	renewals := number(secretOf(t, g).Annotations[v1alpha1.AnnotationRevision]) - 1
	if renewals < 1 {
		t.Error("the token was not renewed")
	}
	if repairs := changes - 1 - renewals; repairs > within {
		t.Errorf("the Secret was brought back %d times in %s, want at most %d in a minute", repairs, lasts, within)
	}
	if expires := g.Status.NotAfter.Time; time.Now().After(expires) {
		t.Errorf("the token expired at %s", expires)
	}

	// The rival gives up.
	awaitSecret(t, s.namespace, secret.Name, func(now *corev1.Secret) error {
		if _, there := now.Data["mine"]; there {
			return errors.New("the rival's key is still there")
		}
		return nil
	})
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(g), g); err != nil {
			return err
		}
		if meta.IsStatusConditionTrue(g.Status.Conditions, v1alpha1.ConditionDrifted) {
			return errors.New("still Drifted")
		}
		return nil
	})
	awaitReady(t, g)
}

func TestASecretThatIsMadeImmutableLaterIsLeftAloneAlsoWhereItIsChanged(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, secret := s.issued(t)
	edit(t, secret, func(secret *corev1.Secret) {
		secret.Data["mine"] = []byte("mine")
		secret.Immutable = new(true)
	})
	if message := awaitRefused(t, g, v1alpha1.ReasonTargetConflict); !strings.Contains(message, "immutable") {
		t.Errorf("the message %q does not say why", message)
	}
	frozen := secretOf(t, g)
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = []string{"orders:write"} })
	awaitRefused(t, g, v1alpha1.ReasonTargetConflict)
	if now := secretOf(t, g); now.UID != frozen.UID || now.ResourceVersion != frozen.ResourceVersion {
		t.Error("the Secret was touched")
	}
	remove(t, frozen)
	awaitReady(t, g)
}

func TestSuspendingStopsTheRenewalAndActivatingResumesIt(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t, lifetime("20s", "15s"))
	seen.Excuse(g.Spec.ID) // it expires while it is suspended
	edit(t, g, gen.GrantState(v1alpha1.GrantStateSuspended))
	awaitRefused(t, g, v1alpha1.ReasonSuspended)
	stopped := secretOf(t, g)
	awaitTime(t, issuedAt(t, before).Add(20*time.Second))
	if now := secretOf(t, g); now.ResourceVersion != stopped.ResourceVersion {
		t.Error("the Secret was written while the grant was suspended")
	}
	edit(t, g, gen.GrantState(v1alpha1.GrantStateActive))
	awaitReady(t, g)
	if age := time.Since(issuedAt(t, secretOf(t, g))); age > 6*time.Second {
		t.Errorf("afterwards the token is %s old", age)
	}
}
