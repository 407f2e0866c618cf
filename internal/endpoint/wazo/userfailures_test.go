package wazo

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// forbidden is an API server that lets the operator do nothing to users.
type forbidden struct{ accounts.Store }

func (forbidden) CreateUser(context.Context, *v1alpha1.AuthUser) error { return store.ErrForbidden }
func (forbidden) DeleteUser(context.Context, *v1alpha1.AuthUser) error { return store.ErrForbidden }
func (forbidden) ReplaceUser(context.Context, *v1alpha1.AuthUser, *v1alpha1.AuthUser) error {
	return store.ErrForbidden
}

// Where the operator was not given the right to write users, whoever asks is told which setting gives it.
func TestUsersThatTheOperatorMayNotWrite(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	h.openAccounts(forbidden{store.NewKubernetes(h.client)})
	h.serve(h.log.logger())
	for _, request := range [][3]string{
		{"POST", "users", `{"username": "dan"}`}, {"PUT", "users/" + made.UUID, `{"username": "dan"}`}, {"DELETE", "users/" + made.UUID, ""},
	} {
		wantAPIProblem(t, h.call(request[0], request[1], request[2]), http.StatusForbidden, apiError{
			Message: "the operator may not write users here: set userManagement.enabled=true in the chart's values to let it",
			ErrorID: "user-management-disabled", Resource: "users",
		})
	}
	h.wantLogin("carol", "x", http.StatusOK)
}

// broken fails where a test says.
type broken struct {
	accounts.Store
	list error
}

func (b broken) UsersAsOf(ctx context.Context, namespace, version string) ([]v1alpha1.AuthUser, error) {
	if b.list != nil {
		return nil, b.list
	}
	return b.Store.UsersAsOf(ctx, namespace, version)
}

// A user who cannot be looked at is taken back, and the answer says that it may be tried again.
func TestCreateUserInAnOutage(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.openAccounts(broken{store.NewKubernetes(h.client), errOutage})
	h.serve(h.log.logger())
	wantAPIProblem(t, h.call("POST", "users", `{"username": "carol", "password": "x"}`), http.StatusServiceUnavailable,
		apiError{Message: "The service cannot answer now", ErrorID: "service-unavailable"})
	users := &v1alpha1.AuthUserList{}
	if err := h.client.List(t.Context(), users, client.InNamespace(h.namespace)); err != nil || len(users.Items) != 0 {
		t.Errorf("%d users are there, %v", len(users.Items), err)
	}
	if log := h.log.text(); !strings.Contains(log, errOutage.Error()) {
		t.Error("the log does not say why")
	}
}

// crashing stops before the mark of an unfinished user is taken off, and cannot take anything back.
type crashing struct{ accounts.Store }

func (crashing) FinishUser(context.Context, *v1alpha1.AuthUser) error { return errOutage }
func (crashing) DeleteUser(context.Context, *v1alpha1.AuthUser) error { return errOutage }

// secretOf is that of a user's password; nil where the user has none.
func (h *tenant) secretOf(left *v1alpha1.AuthUser) *corev1.Secret {
	if left.Spec.Password == nil {
		return nil
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: left.Spec.Password.HashSecretRef.Name}}
}

// A crash before the user is whole leaves one behind who cannot log in. Who asks again gets the user, once the
// first request cannot be on its way any more.
func TestAUserWhomACrashHasLeftBehind(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"without its password": `{"username": "carol", "password": "x"}`,
		"who was to have none": `{"username": "carol"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTenant(t)
			h.openAccounts(crashing{store.NewKubernetes(h.client)})
			h.serve(h.log.logger())
			if got := h.call("POST", "users", body); got.status != http.StatusServiceUnavailable {
				t.Fatalf("%d %s", got.status, got.body)
			}
			var left *v1alpha1.AuthUser
			h.await(func(context.Context) error {
				row, ok := h.rows().UserByLogin("carol")
				if !ok {
					return errStatus(http.StatusNotFound)
				}
				left = row.AuthUser
				return nil
			})
			if secret := h.secretOf(left); secret != nil {
				if err := h.client.Delete(t.Context(), secret); err != nil {
					t.Fatal(err)
				}
			}
			again := `{"username": "CAROL", "password": "y"}`
			h.openAccounts(store.NewKubernetes(h.client))
			h.serve(h.log.logger())
			if got := h.call("POST", "users", again); got.status != http.StatusConflict {
				t.Errorf("at once: %d %s", got.status, got.body)
			}
			h.later = 2 * time.Minute
			h.openAccounts(store.NewKubernetes(h.client))
			h.serve(h.log.logger())
			if made := h.user(h.call("POST", "users", again)); made.UUID == left.Spec.Subject {
				t.Error("it is the same user")
			}
			h.wantLogin("carol", "y", http.StatusOK)
			if got := h.call("POST", "users", again); got.status != http.StatusConflict {
				t.Errorf("once it is whole: %d %s", got.status, got.body)
			}
		})
	}
}

// Whoever loses the Secret of a password keeps their name: nobody who may make users becomes them.
func TestAUserWhosePasswordIsGoneIsNobodyElses(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	carol := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	object := h.objectOf(carol.UUID)
	if _, marked := object.Annotations[v1alpha1.AnnotationUnfinished]; marked {
		t.Error("a user who is whole is still marked")
	}
	if err := h.client.Delete(t.Context(), h.secretOf(object)); err != nil {
		t.Fatal(err)
	}
	h.later = time.Hour
	h.openAccounts(store.NewKubernetes(h.client))
	h.serve(h.log.logger())
	for _, body := range []string{
		`{"username": "carol", "password": "y"}`, `{"username": "dan", "uuid": "` + carol.UUID + `", "password": "y"}`,
	} {
		if got := h.call("POST", "users", body); got.status != http.StatusConflict {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
