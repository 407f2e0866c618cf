package controllers_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/controllers"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/gen/tenant"
)

const (
	rotateEvery = 10 * time.Hour
	overlap     = 2 * time.Hour
)

// rotating is a tenant whose user or client has a credential that rotates.
type rotating struct {
	*room
	object client.Object
	secret *corev1.Secret
	key    string
	// status reads what the object's status tells.
	status func() rotationStatus
	// spec changes how the credential rotates.
	spec      func(rotateEvery, overlap *v1alpha1.Duration)
	reconcile func(context.Context, reconcile.Request) (reconcile.Result, error)
}

// rotationStatus is what a status tells of a generated credential, since the start.
type rotationStatus struct{ GeneratedAt, Previous, Next time.Duration }

// none stands for a time that status does not tell.
const none = -time.Nanosecond

func statusOf(generatedAt, previous, next *metav1.Time) rotationStatus {
	since := func(at *metav1.Time) time.Duration {
		if at == nil {
			return none
		}
		return at.Sub(tenant.Start)
	}
	return rotationStatus{since(generatedAt), since(previous), since(next)}
}

// eachRotating runs a test for a user's password and for a client's secret.
func eachRotating(t *testing.T, test func(t *testing.T, x *rotating)) {
	t.Helper()
	t.Run("a password", func(t *testing.T) {
		t.Parallel()
		user := gen.AuthUser("alice", func(u *v1alpha1.AuthUser) {
			u.Spec.Password = &v1alpha1.UserPassword{Generate: &v1alpha1.GeneratedPassword{SecretName: "generated"}}
		})
		x := &rotating{object: user, key: v1alpha1.KeyPassword}
		x.status = func() rotationStatus {
			return statusOf(user.Status.GeneratedAt, user.Status.PreviousGeneratedAt, user.Status.RotationTime)
		}
		x.spec = func(rotateEvery, overlap *v1alpha1.Duration) {
			user.Spec.Password.Generate.RotateEvery, user.Spec.Password.Generate.Overlap = rotateEvery, overlap
		}
		x.start(t)
		test(t, x)
	})
	t.Run("a client's secret", func(t *testing.T) {
		t.Parallel()
		c := gen.AuthClient("billing", func(c *v1alpha1.AuthClient) {
			c.Spec.Secret = &v1alpha1.ClientSecret{Generate: &v1alpha1.GeneratedSecret{SecretName: "generated"}}
		})
		x := &rotating{object: c, key: v1alpha1.KeyClientSecret}
		x.status = func() rotationStatus {
			return statusOf(c.Status.GeneratedAt, c.Status.PreviousGeneratedAt, c.Status.RotationTime)
		}
		x.spec = func(rotateEvery, overlap *v1alpha1.Duration) {
			c.Spec.Secret.Generate.RotateEvery, c.Spec.Secret.Generate.Overlap = rotateEvery, overlap
		}
		x.start(t)
		test(t, x)
	})
}

func (x *rotating) start(t *testing.T) {
	t.Helper()
	x.spec(new(v1alpha1.Duration("10h")), new(v1alpha1.Duration("2h")))
	x.room = newRoom(t, x.object)
	x.secret = &corev1.Secret{}
	x.secret.Namespace, x.secret.Name = gen.Namespace, "generated"
	x.lead()
}

// lead makes another replica the leader: it knows nothing of what the last one knew.
func (x *rotating) lead() {
	switch x.object.(type) {
	case *v1alpha1.AuthUser:
		x.reconcile = (&controllers.AuthUsers{Common: x.common}).Reconcile
	default:
		x.reconcile = (&controllers.AuthClients{Common: x.common}).Reconcile
	}
}

// bring reconciles at a time since the start, and delivers nothing.
func (x *rotating) bring(t *testing.T, at time.Duration) (reconcile.Result, error) {
	t.Helper()
	x.Clock.SetTime(tenant.Start.Add(at))
	return x.reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKeyFromObject(x.object)})
}

// settle reconciles at a time since the start, and returns the credential and what status tells then.
func (x *rotating) settle(t *testing.T, at time.Duration) (credential string, status rotationStatus) {
	t.Helper()
	if _, err := x.bring(t, at); err != nil {
		t.Fatalf("Reconcile: %v", err)
	}
	x.deliver(t, x.object)
	x.deliver(t, x.secret)
	return string(x.secret.Data[x.key]), x.status()
}

// change writes the object as the test has changed it.
func (x *rotating) change(t *testing.T) {
	t.Helper()
	if err := x.client.Update(t.Context(), x.object); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, x.object)
}

func (x *rotating) loseStatus(t *testing.T) {
	t.Helper()
	switch object := x.object.(type) {
	case *v1alpha1.AuthUser:
		object.Status = v1alpha1.AuthUserStatus{}
	case *v1alpha1.AuthClient:
		object.Status = v1alpha1.AuthClientStatus{}
	}
	if err := x.client.Status().Update(t.Context(), x.object); err != nil {
		t.Fatal(err)
	}
	x.deliver(t, x.object)
}

func (x *rotating) loseSecret(t *testing.T) {
	t.Helper()
	if err := x.client.Delete(t.Context(), x.secret); err != nil {
		t.Fatal(err)
	}
	x.Remove(x.secret)
	x.secret = &corev1.Secret{}
	x.secret.Namespace, x.secret.Name = gen.Namespace, "generated"
}

// annotations are the seconds that the Secret tells, since the start. One that is no second is as if it
// were of the year one.
func (x *rotating) annotations() rotationStatus {
	at := func(key string) *metav1.Time {
		text, there := x.secret.Annotations[key]
		if !there {
			return nil
		}
		parsed, _ := time.Parse(time.RFC3339, text)
		return &metav1.Time{Time: parsed}
	}
	return statusOf(at(v1alpha1.AnnotationGeneratedAt), at(v1alpha1.AnnotationPreviousGeneratedAt), nil)
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAGeneratedCredentialRotates(t *testing.T) {
	t.Parallel()
	eachRotating(t, func(t *testing.T, x *rotating) {
		t.Helper()
		first, status := x.settle(t, 0)
		want(t, "the first", status, rotationStatus{0, none, rotateEvery})
		kept, _ := x.settle(t, rotateEvery-time.Second)
		if kept != first {
			t.Error("it rotated ahead of its time")
		}
		result, err := x.bring(t, rotateEvery-time.Second)
		if err != nil || result.RequeueAfter != time.Second {
			t.Errorf("a second before it is due: %v, looks again after %s", err, result.RequeueAfter)
		}
		second, status := x.settle(t, rotateEvery+time.Minute)
		if second == first {
			t.Error("it did not rotate")
		}
		want(t, "the second", status, rotationStatus{rotateEvery, 0, 2 * rotateEvery})
		want(t, "its Secret", x.annotations(), rotationStatus{rotateEvery, 0, none})
		if result, _ := x.bring(t, rotateEvery+overlap-time.Second); result.RequeueAfter != time.Second {
			t.Errorf("a second before the overlap ends it looks again after %s", result.RequeueAfter)
		}
		after, status := x.settle(t, rotateEvery+overlap)
		if after != second {
			t.Error("the end of the overlap changed the credential")
		}
		want(t, "after the overlap", status, rotationStatus{rotateEvery, none, 2 * rotateEvery})
		want(t, "its Secret", x.annotations(), rotationStatus{rotateEvery, none, none})

		back, status := x.settle(t, rotateEvery+time.Minute)
		if back != second {
			t.Error("a clock that was set back changed the credential")
		}
		want(t, "after the clock was set back", status, rotationStatus{rotateEvery, none, 2 * rotateEvery})
	})
}

func TestARotationIsTheSameHoweverItIsInterrupted(t *testing.T) {
	t.Parallel()
	rotated := rotationStatus{rotateEvery, 0, 2 * rotateEvery}
	for name, interrupt := range map[string]func(t *testing.T, x *rotating){
		"between the Secret and the status": func(t *testing.T, x *rotating) {
			t.Helper()
			x.statusApplies = conflict
			if _, err := x.bring(t, rotateEvery); err == nil {
				t.Error("Reconcile hides that the status was not written")
			}
			x.statusApplies = nil
			x.deliver(t, x.secret)
		},
		"before it, and the watch is late": func(t *testing.T, x *rotating) {
			t.Helper()
			x.statusApplies = conflict
			_, _ = x.bring(t, rotateEvery) // fails: see above
			x.statusApplies = nil
		},
		"by another leader whose watch is late": func(t *testing.T, x *rotating) {
			t.Helper()
			if _, err := x.bring(t, rotateEvery); err != nil {
				t.Fatal(err)
			}
		},
		"by the loss of the Secret": func(t *testing.T, x *rotating) {
			t.Helper()
			x.settle(t, rotateEvery)
			x.loseSecret(t)
		},
		"by the loss of the status": func(t *testing.T, x *rotating) {
			t.Helper()
			x.settle(t, rotateEvery)
			x.loseStatus(t)
		},
		"by an edit of the Secret": func(t *testing.T, x *rotating) {
			t.Helper()
			x.settle(t, rotateEvery)
			x.secret.Data = map[string][]byte{x.key: []byte("vandalism")}
			x.secret.Annotations[v1alpha1.AnnotationGeneratedAt] = tenant.Start.Add(100 * rotateEvery).Format(time.RFC3339)
			delete(x.secret.Annotations, v1alpha1.AnnotationPreviousGeneratedAt)
			if err := x.client.Update(t.Context(), x.secret); err != nil {
				t.Fatal(err)
			}
			x.deliver(t, x.secret)
		},
		"by an old Secret that somebody puts back": func(t *testing.T, x *rotating) {
			t.Helper()
			old := x.secret.DeepCopy()
			x.settle(t, rotateEvery)
			x.secret.Data, x.secret.Annotations = old.Data, old.Annotations
			if err := x.client.Update(t.Context(), x.secret); err != nil {
				t.Fatal(err)
			}
			x.deliver(t, x.secret)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachRotating(t, func(t *testing.T, x *rotating) {
				t.Helper()
				first, _ := x.settle(t, 0)
				interrupt(t, x)
				x.lead()
				second, status := x.settle(t, rotateEvery+20*time.Minute)
				want(t, "status", status, rotated)
				want(t, "the Secret", x.annotations(), rotationStatus{rotateEvery, 0, none})
				if second == first {
					t.Error("it did not rotate")
				}
				// What the second one is follows from its second alone.
				undisturbed, _ := x.settle(t, rotateEvery+time.Hour)
				if undisturbed != second {
					t.Error("it is not what it is without the interruption")
				}
			})
		})
	}
}

func TestRotationsThatWereMissedDoNotPileUp(t *testing.T) {
	t.Parallel()
	eachRotating(t, func(t *testing.T, x *rotating) {
		t.Helper()
		x.settle(t, 0)
		before := x.updated.Load()
		_, status := x.settle(t, 7*rotateEvery+30*time.Minute)
		want(t, "after a long outage", status, rotationStatus{7 * rotateEvery, 0, 8 * rotateEvery})
		if written := x.updated.Load() - before; written != 1 {
			t.Errorf("the Secret was written %d times, want once", written)
		}
		_, status = x.settle(t, 8*rotateEvery)
		want(t, "then in time", status, rotationStatus{8 * rotateEvery, 7 * rotateEvery, 9 * rotateEvery})
	})
}

func TestWithoutAPeriodNothingRotates(t *testing.T) {
	t.Parallel()
	eachRotating(t, func(t *testing.T, x *rotating) {
		t.Helper()
		x.settle(t, 0)
		second, _ := x.settle(t, rotateEvery)
		x.spec(nil, nil)
		x.change(t)
		kept, status := x.settle(t, rotateEvery+time.Hour)
		want(t, "in the overlap", status, rotationStatus{rotateEvery, 0, none})
		last, status := x.settle(t, 100*rotateEvery)
		want(t, "long after it", status, rotationStatus{rotateEvery, none, none})
		if kept != second || last != second {
			t.Error("it rotated")
		}
		x.spec(new(v1alpha1.Duration("10h")), nil)
		x.change(t)
		_, status = x.settle(t, 101*rotateEvery)
		want(t, "with a period again", status, rotationStatus{101 * rotateEvery, rotateEvery, 102 * rotateEvery})
	})
}
