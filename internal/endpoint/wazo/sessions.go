package wazo

import (
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// sessionItem is what is told about a session.
type sessionItem struct {
	UUID       string `json:"uuid"`
	Mobile     bool   `json:"mobile"`
	TenantUUID string `json:"tenant_uuid"`
	UserUUID   string `json:"user_uuid"`
}

var sessionTable = table[sessionItem]{
	{name: "mobile", text: func(i sessionItem) string { return strconv.FormatBool(i.Mobile) }, flag: true},
	{name: "uuid", text: func(i sessionItem) string { return i.UUID }, folded: true},
	{name: "user_uuid", text: func(i sessionItem) string { return i.UserUUID }, hidden: true, folded: true},
	{name: "tenant_uuid", text: func(i sessionItem) string { return i.TenantUUID }, hidden: true, folded: true},
}

// getSessions answers GET sessions: those of all users of the tenant.
func (a *API) getSessions(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	return sendSessions(w, r, c, a.options.Service.LiveSessions(r.Context(), c.call.Tenant))
}

// getSessionsOf answers GET users/{owner}/sessions.
func (a *API) getSessionsOf(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	owner, err := a.owner(r, c)
	if err != nil {
		return err
	}
	return sendSessions(w, r, c, a.options.Service.LiveSessionsOf(r.Context(), c.call.Tenant, owner.Subject()))
}

// sendSessions tells the sessions of this dialect: those of the other one do not exist here.
func sendSessions(w http.ResponseWriter, r *http.Request, c *caller, live iter.Seq2[*tokens.Access, error]) error {
	var items []sessionItem
	for access, err := range live {
		if err != nil {
			return err
		}
		if access.Dialect == tokens.Wazo {
			items = append(items, sessionItem{
				UUID: strings.Clone(access.ID), Mobile: access.Mobile, TenantUUID: c.tenant.UID, UserUUID: strings.Clone(access.Subject),
			})
		}
	}
	answer, err := sessionTable.answer(items, r.URL.RawQuery)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, answer)
	return nil
}

// deleteSession answers DELETE sessions/{session_uuid}. One that is not there is as gone as one that was
// deleted.
func (a *API) deleteSession(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	return a.endSession(w, r, c, "")
}

// deleteSessionOf answers DELETE users/{owner}/sessions/{session_uuid}: for a session of that user.
func (a *API) deleteSessionOf(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	owner, err := a.owner(r, c)
	if err != nil {
		return err
	}
	return a.endSession(w, r, c, owner.Subject())
}

func (a *API) endSession(w http.ResponseWriter, r *http.Request, c *caller, subject string) error {
	id := r.PathValue("session_uuid")
	err := a.options.Service.EndSession(c.call.Context(r), c.call.Tenant, subject, id)
	switch {
	case err != nil && issuing.AsRefusal(err).Reason == issuing.UnknownToken:
		return errUnknown("session", id)
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// owner finds the user whom a path is about.
func (a *API) owner(r *http.Request, c *caller) (*directory.User, error) {
	owner := r.PathValue("owner")
	user, err := a.options.Accounts.User(r.Context(), c.call.Tenant, c.subject(owner))
	if refusal, ok := errors.AsType[*accounts.Refusal](err); ok && refusal.Reason == accounts.UnknownUser {
		return nil, errUnknown("user", owner)
	}
	return user, err
}
