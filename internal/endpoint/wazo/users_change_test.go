package wazo

import (
	"bytes"
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// late shows, after each write, another user who had the name frank before, and takes one write only.
type late struct {
	accounts.Store
	writes *atomic.Int64
}

func (l late) ReplaceUser(ctx context.Context, read, changed *v1alpha1.AuthUser) error {
	if l.writes.Add(1) > 1 {
		return errOutage
	}
	return l.Store.ReplaceUser(ctx, read, changed)
}

func (l late) UsersAsOf(context.Context, string, string) ([]v1alpha1.AuthUser, error) {
	other := user("frank")
	other.UID = "another"
	return []v1alpha1.AuthUser{*other}, nil
}

// Who could not be given back what they had has the name of somebody else: that is no refusal.
func TestAUserWhoIsNotGivenBackWhatItHad(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol"}`))
	h.openAccounts(late{store.NewKubernetes(h.client), &atomic.Int64{}})
	h.serve(h.log.logger())
	wantAPIProblem(t, h.call("PUT", "users/"+made.UUID, `{"username": "frank"}`), http.StatusServiceUnavailable,
		apiError{Message: "The service cannot answer now", ErrorID: "service-unavailable"})
	if log := h.log.text(); !strings.Contains(log, errOutage.Error()) {
		t.Error("the log does not say why")
	}
}

// A user whose login a person has given to another one as well can be changed, and gets out of it.
func TestReplaceAContestedUser(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol"}`))
	other := user("Carol", func(u *v1alpha1.AuthUser) {
		u.Name, u.Namespace, u.Spec.Username, u.Spec.Subject, u.Spec.Password = "dora", h.namespace, "Carol", bobSubject, nil
	})
	if err := h.client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	h.await(func(context.Context) error {
		if got := h.call("GET", "users/"+bobSubject, ""); got.status != http.StatusOK {
			return errStatus(got.status)
		}
		return nil
	})
	for _, body := range []string{`{"username": "carol", "firstname": "Carol"}`, `{"username": "caroline"}`} {
		if got := h.call("PUT", "users/"+made.UUID, body); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if got := h.call("PUT", "users/"+made.UUID, `{"username": "carol"}`); got.status != http.StatusConflict {
		t.Errorf("back to what another one has: %d %s", got.status, got.body)
	}
}

// meddling changes a password behind the back of whoever hashes one.
type meddling struct {
	accounts.Hasher
	change func()
}

func (m meddling) Hash(ctx context.Context, tenant string, password sensitive.String) (sensitive.String, error) {
	m.change()
	return m.Hasher.Hash(ctx, tenant, password)
}

// Of two changes of a password at once the later one is told so.
func TestChangePasswordsAtOnce(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	name := h.objectOf(made.UUID).Spec.Password.HashSecretRef.Name
	h.accounts.Passwords = meddling{h.passwords, func() {
		secret := &corev1.Secret{}
		if err := h.client.Get(t.Context(), types.NamespacedName{Namespace: h.namespace, Name: name}, secret); err != nil {
			t.Error(err)
		}
		secret.Annotations["example.com/changed"] = "yes"
		if err := h.client.Update(t.Context(), secret); err != nil {
			t.Error(err)
		}
	}}
	got := h.call("PUT", "users/"+made.UUID+"/password", `{"old_password": "x", "new_password": "y"}`)
	wantAPIProblem(t, got, http.StatusConflict, apiError{
		Message: "Conflict detected", ErrorID: "conflict", Resource: "users",
		Details: map[string]constraint{"new_password": {ID: "unique", Message: "the password was changed meanwhile"}},
	})
	h.wantLogin("carol", "x", http.StatusOK)
}

// The story of a user as the audit log tells it: who did what to whom, once each, and no password.
func TestWhatIsRecordedOfUsers(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	var text bytes.Buffer
	log, err := audit.New(&text, clock.RealClock{}, cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.accounts.Audit = log
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "canary-1"}`))
	path := "users/" + made.UUID
	for _, request := range [][3]string{
		{"PUT", path, `{"username": "caroline"}`},
		{"PUT", path, `{"username": "caroline"}`}, // which changes nothing
		{"PUT", path + "/password", `{"old_password": "canary-wrong", "new_password": "canary-2"}`},
		{"PUT", path + "/password", `{"old_password": "canary-1", "new_password": "canary-2"}`},
		{"DELETE", path, ""},
		{"DELETE", path, ""}, // likewise
	} {
		h.call(request[0], request[1], request[2])
	}
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "canary") {
		t.Errorf("a password is in %s", text.String())
	}
	type told struct{ Event, Tenant, Subject, Username, By, Reason string }
	var got []told
	for line := range strings.Lines(text.String()) {
		var of told
		if err := json.Unmarshal([]byte(line), &of); err != nil {
			t.Fatal(err)
		}
		got = append(got, of)
	}
	of := func(event audit.Event, username, reason string) told {
		return told{string(event), h.namespace, made.UUID, username, subject, reason}
	}
	want := []told{
		of(audit.UserCreated, "carol", ""), of(audit.UserChanged, "caroline", ""), of(audit.PasswordRefused, "caroline", "InvalidGrant"),
		of(audit.PasswordChanged, "caroline", ""), of(audit.UserDeleted, "caroline", ""),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// A user whom another replica has made just now is found, and only after the API server was asked.
func TestAUserWhomMemoryDoesNotKnowYet(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	slow := directory.New() // of a replica whose watch has brought nothing of her
	slow.SetRing(h.namespace, keystest.Ring(t, h.namespace, issuer), nil)
	h.accounts.Directory = slow
	path := "users/" + made.UUID
	for method, want := range map[string]int{"GET": http.StatusOK, "HEAD": http.StatusOK} {
		if got := h.call(method, path, ""); got.status != want {
			t.Errorf("%s: %d %s", method, got.status, got.body)
		}
	}
	if got := h.call("GET", "users/"+bobSubject, ""); got.status != http.StatusNotFound {
		t.Errorf("a user who is nowhere: %d %s", got.status, got.body)
	}
}

func TestHeadOfTheListOfUsers(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	for path, want := range map[string]int{"users": http.StatusOK, "users?limit=1": http.StatusOK, "users?limit=x": http.StatusBadRequest} {
		if got := h.call("HEAD", path, ""); got.status != want || got.body != "" {
			t.Errorf("%s: %d %q, want %d", path, got.status, got.body, want)
		}
	}
}
