package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// Of two writes the later one sees the earlier one, however much later it looks, and never the other way
// round: that is what decides who has a login.
func TestUsersAreListedAsOfAWrite(t *testing.T) {
	t.Parallel()
	namespace := cp.Namespace(t)
	s := store.NewKubernetes(connect(t))
	first, second := gen.In(namespace, gen.AuthUser("first")), gen.In(namespace, gen.AuthUser("second"))
	if err := errors.Join(s.CreateUser(t.Context(), first), s.CreateUser(t.Context(), second)); err != nil {
		t.Fatal(err)
	}
	created := second.ResourceVersion
	changed := first.DeepCopy()
	changed.Spec.FirstName = "Changed"
	if err := s.ReplaceUser(t.Context(), first, changed); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteUser(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		version string
		want    int
	}{
		"of the first":        {first.ResourceVersion, 1},
		"of the second":       {created, 2},
		"of the change after": {changed.ResourceVersion, 2},
	} {
		users, err := s.UsersAsOf(t.Context(), namespace, tc.version)
		if err != nil || len(users) != tc.want {
			t.Fatalf("as %s: %d users, %v, want %d", name, len(users), err, tc.want)
		}
		for _, user := range users {
			if isChanged := user.Spec.FirstName != ""; isChanged != (tc.version == changed.ResourceVersion && user.Name == "first") {
				t.Errorf("as %s: %q has the first name %q", name, user.Name, user.Spec.FirstName)
			}
		}
	}
}

func TestAUserIsWrittenUnderTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	namespace := cp.Namespace(t)
	s := store.NewKubernetes(connect(t))
	user := gen.In(namespace, gen.AuthUser("alice"))
	if err := s.CreateUser(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(t.Context(), gen.In(namespace, gen.AuthUser("alice"))); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second one of the name: %v", err)
	}
	stale, err := s.User(t.Context(), namespace, "alice")
	if err != nil {
		t.Fatal(err)
	}
	renamed := user.DeepCopy()
	renamed.Spec.FirstName = "Alice"
	if err := s.ReplaceUser(t.Context(), user, renamed); err != nil {
		t.Fatal(err)
	}
	another := stale.DeepCopy()
	another.Spec.FirstName = "Another"
	if err := s.ReplaceUser(t.Context(), stale, another); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a change of what has changed: %v", err)
	}
	if err := s.DeleteUser(t.Context(), stale); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a deletion of what has changed: %v", err)
	}
	invalid := renamed.DeepCopy()
	invalid.Spec.Username = "a:b"
	if err := s.ReplaceUser(t.Context(), renamed, invalid); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("what the API server does not take: %v", err)
	}
	if err := s.DeleteUser(t.Context(), renamed); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteUser(t.Context(), renamed); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deletion of what is gone: %v", err)
	}
	if _, err := s.User(t.Context(), namespace, "alice"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what is gone: %v", err)
	}
}

func TestASecretIsLookedForWithoutBeingRead(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	secret := gen.In(namespace, gen.PasswordSecret("alice", "x"))
	for _, want := range []bool{false, true} {
		if there, err := s.HasSecret(t.Context(), namespace, secret.Name); err != nil || there != want {
			t.Errorf("%t, %v, want %t", there, err, want)
		}
		if !want {
			if err := c.Create(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A right that is missing is told apart from what admission refuses: the API server gives both one reason.
func TestWhatTheOperatorMayNotDoIsToldFromWhatAdmissionRefuses(t *testing.T) {
	t.Parallel()
	namespace, admin := cp.Namespace(t), connect(t)
	config := rest.CopyConfig(cp.Config)
	config.Impersonate.UserName = "somebody"
	somebody, err := client.New(config, client.Options{Scheme: admin.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	user := gen.In(namespace, gen.AuthUser("alice"))
	if err := store.NewKubernetes(somebody).CreateUser(t.Context(), user.DeepCopy()); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("without the right: %v", err)
	}
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/authusers.auth.grantkeeper.dev": resource.MustParse("0")}},
	}
	if err := admin.Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	// No controller counts here: admission goes by what the status says is allowed and used.
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard}
	if err := admin.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, time.Minute, func(ctx context.Context) error {
		err := store.NewKubernetes(client.NewDryRunClient(admin)).CreateUser(ctx, user.DeepCopy())
		if !apierrors.IsForbidden(err) {
			return errors.Join(errors.New("the quota is not in force yet"), err)
		}
		if errors.Is(err, store.ErrForbidden) {
			t.Errorf("past a quota: %v", err)
		}
		return nil
	})
}
