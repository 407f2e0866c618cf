package wazo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// unwritable is an API server that takes no write of a user.
type unwritable struct {
	accounts.Store
	err error
}

func (u unwritable) CreateUser(context.Context, *v1alpha1.AuthUser) error { return u.err }
func (u unwritable) DeleteUser(context.Context, *v1alpha1.AuthUser) error { return u.err }
func (u unwritable) ReplaceUser(context.Context, *v1alpha1.AuthUser, *v1alpha1.AuthUser) error {
	return u.err
}

// wantUnwritten wants the answer of every route that writes a user, where the API server does not take it.
func wantUnwritten(t *testing.T, err error, status int, want apiError) *tenant {
	t.Helper()
	h := newTenant(t)
	made := h.user(h.call("POST", "users", `{"username": "carol", "password": "x"}`))
	h.openAccounts(unwritable{store.NewKubernetes(h.client), err})
	h.serve(h.log.logger())
	for _, request := range [][3]string{
		{"POST", "users", `{"username": "dan"}`}, {"PUT", "users/" + made.UUID, `{"username": "dan"}`}, {"DELETE", "users/" + made.UUID, ""},
	} {
		wantAPIProblem(t, h.call(request[0], request[1], request[2]), status, want)
	}
	h.wantLogin("carol", "x", http.StatusOK)
	return h
}

// Where the operator was not given the right to write users, whoever asks is told which setting gives it.
func TestUsersThatTheOperatorMayNotWrite(t *testing.T) {
	t.Parallel()
	wantUnwritten(t, store.ErrForbidden, http.StatusForbidden, apiError{
		Message: "the operator may not write users here: set userManagement.enabled=true in the chart's values to let it",
		ErrorID: "user-management-disabled", Resource: "users",
	})
}

// While the API server is away the answer says that it may be tried again, and the log says why.
func TestUsersInAnOutage(t *testing.T) {
	t.Parallel()
	h := wantUnwritten(t, errOutage, http.StatusServiceUnavailable, apiError{
		Message: "The service cannot answer now", ErrorID: "service-unavailable",
	})
	if told := strings.Count(h.log.text(), errOutage.Error()); told != 3 {
		t.Errorf("the log says %d times why, want 3", told)
	}
}

// Each refusal of what changes users has its answer, with its text and nothing else.
func TestAnswersToRefusalsOfUsers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refusal accounts.Refusal
		status  int
		want    apiError
	}{
		"a user who is not there": {accounts.Refusal{Reason: accounts.UnknownUser}, http.StatusNotFound, apiError{
			Message: `No such user: "` + bobSubject + `"`, ErrorID: "unknown-user", Details: uuidDetails{bobSubject}, Resource: "users",
		}},
		"a value that no user has": {accounts.Refusal{Reason: accounts.Invalid, Field: accounts.FieldUsername, Text: "why"}, http.StatusBadRequest, apiError{
			Message: "username: why", ErrorID: "invalid-data", Resource: "users", Details: map[string]constraint{"username": {Message: "why"}},
		}},
		"what is no user for the API server": {accounts.Refusal{Reason: accounts.Invalid, Text: "why"}, http.StatusBadRequest, apiError{
			Message: "why", ErrorID: "invalid-data", Resource: "users",
		}},
		"a password that was changed meanwhile": {accounts.Refusal{Reason: accounts.Conflict, Field: accounts.FieldNewPassword, Text: "why"}, http.StatusConflict, apiError{
			Message: "Conflict detected", ErrorID: "conflict", Resource: "users",
			Details: map[string]constraint{"new_password": {ID: "unique", Message: "why"}},
		}},
		"a user of a person's": {accounts.Refusal{Reason: accounts.ManagedExternally, Text: "why"}, http.StatusForbidden, apiError{
			Message: "why", ErrorID: "managed-externally", Resource: "users",
		}},
		"a password of a person's": {accounts.Refusal{Reason: accounts.PasswordManagedExternally, Text: "why"}, http.StatusMethodNotAllowed, apiError{
			Message: "why", ErrorID: "password-managed-externally", Resource: "users",
		}},
		"a wrong password": {accounts.Refusal{Reason: accounts.WrongPassword, Text: "why"}, http.StatusUnauthorized, apiError{
			Message: "Authentication Failed", ErrorID: "authentication-failed", Resource: "users",
		}},
		"no right to write users": {accounts.Refusal{Reason: accounts.NotPermitted, Text: "why"}, http.StatusForbidden, apiError{
			Message: "why", ErrorID: "user-management-disabled", Resource: "users",
		}},
		"a reason that nobody knows": {accounts.Refusal{Reason: "New", Text: "why"}, http.StatusServiceUnavailable, apiError{
			Message: "The service cannot answer now", ErrorID: "service-unavailable",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := New(Options{Clock: clocktesting.NewFakePassiveClock(begin)})
			request := httptest.NewRequest("PUT", "/", nil)
			request.SetPathValue("user_uuid", bobSubject)
			recorder := httptest.NewRecorder()
			api.refuse(recorder, request, endpoint.Call{}, asAPI, accountProblem(request, &tc.refusal))
			wantAPIProblem(t, reply{recorder.Code, recorder.Header(), recorder.Body.String()}, tc.status, tc.want)
		})
	}
}
