package stage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// Patience bounds every wait. Only a test that fails reaches it.
const Patience = 90 * time.Second

// Conditions are those of an object of one of our kinds; nil where the kind has none.
func Conditions(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.AuthTenant:
		return o.Status.Conditions
	case *v1alpha1.AuthUser:
		return o.Status.Conditions
	case *v1alpha1.AuthClient:
		return o.Status.Conditions
	case *v1alpha1.RefreshTokenGrant:
		return o.Status.Conditions
	}
	return nil
}

// Await waits for a condition about the present spec; an empty reason is any. It reads the object
// and returns the condition's message.
func Await(t testing.TB, c client.Client, object client.Object, condition string, status metav1.ConditionStatus, reason string) (message string) {
	t.Helper()
	controlplane.Eventually(t, Patience, func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		found := meta.FindStatusCondition(Conditions(object), condition)
		switch {
		case found == nil:
			return fmt.Errorf("%T %q has no condition %s", object, object.GetName(), condition)
		case found.ObservedGeneration != object.GetGeneration(), found.Status != status, reason != "" && found.Reason != reason:
			return fmt.Errorf("%T %q of generation %d is %s=%s/%s at %d: %s; want %s/%s", object, object.GetName(), object.GetGeneration(),
				condition, found.Status, found.Reason, found.ObservedGeneration, found.Message, status, reason)
		}
		message = found.Message
		return nil
	})
	return message
}

// AwaitReady waits until each object says that its present spec is in place.
func AwaitReady(t testing.TB, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		Await(t, c, object, v1alpha1.ConditionReady, metav1.ConditionTrue, "")
	}
}

// AwaitTime waits until the clock shows a time.
func AwaitTime(t testing.TB, at time.Time) {
	t.Helper()
	controlplane.Eventually(t, max(Patience, time.Until(at)+time.Minute), func(context.Context) error {
		if time.Now().Before(at) {
			return fmt.Errorf("it is not %s yet", at)
		}
		return nil
	})
}

// Edit changes an object as a person would, and tries again where somebody else was faster.
func Edit[T client.Object](t testing.TB, c client.Client, object T, change func(T)) {
	t.Helper()
	controlplane.Eventually(t, Patience, func(ctx context.Context) error {
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		change(object)
		return c.Update(ctx, object)
	})
}
