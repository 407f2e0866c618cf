package wazo

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/directory"
)

// userItem is what is told about a user: never a password.
type userItem struct {
	UUID                 string      `json:"uuid"`
	Username             *string     `json:"username"`
	FirstName            *string     `json:"firstname"`
	LastName             *string     `json:"lastname"`
	Purpose              string      `json:"purpose"`
	Emails               []emailItem `json:"emails"`
	Enabled              bool        `json:"enabled"`
	TenantUUID           string      `json:"tenant_uuid"`
	AuthenticationMethod string      `json:"authentication_method"`
}

type emailItem struct {
	UUID      string `json:"uuid"`
	Address   string `json:"address"`
	Main      bool   `json:"main"`
	Confirmed bool   `json:"confirmed"`
}

var userTable = table[userItem]{
	{name: "username", text: func(i userItem) string { return orEmpty(i.Username) }, searched: true},
	{name: "firstname", text: func(i userItem) string { return orEmpty(i.FirstName) }, searched: true},
	{name: "lastname", text: func(i userItem) string { return orEmpty(i.LastName) }, searched: true},
	{name: "email_address", text: userItem.mainAddress, searched: true, hidden: true},
	{name: "purpose", text: func(i userItem) string { return i.Purpose }, hidden: true},
	{name: "enabled", text: func(i userItem) string { return strconv.FormatBool(i.Enabled) }, flag: true, hidden: true},
	{name: "uuid", text: func(i userItem) string { return i.UUID }, hidden: true, folded: true},
}

func (i userItem) mainAddress() string {
	for _, email := range i.Emails {
		if email.Main {
			return email.Address
		}
	}
	return ""
}

// oneMethod is the only way in which users prove who they are.
const oneMethod = "default"

// describeUser tells about a user. A user who was made over HTTP without a username has none to tell:
// the name of the object means nothing to anybody.
func describeUser(user *directory.User, tenant string) userItem {
	username := user.Spec.Username
	if username == "" && user.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedByGrantkeeper {
		username = user.Name
	}
	item := userItem{
		UUID:                 user.Subject(),
		Username:             orNull(username),
		FirstName:            orNull(user.Spec.FirstName),
		LastName:             orNull(user.Spec.LastName),
		Purpose:              purposes[user.Spec.EffectivePurpose()],
		Emails:               []emailItem{},
		Enabled:              user.Spec.EffectiveState() == v1alpha1.UserStateEnabled,
		TenantUUID:           tenant,
		AuthenticationMethod: oneMethod,
	}
	main, _ := user.Spec.MainEmail()
	for _, email := range user.Spec.Emails {
		item.Emails = append(item.Emails, emailItem{
			UUID:      emailUUID(user.Subject(), email.Address),
			Address:   email.Address,
			Main:      email.Address == main.Address,
			Confirmed: email.Verified,
		})
	}
	return item
}

// emailUUID names an address of a user (RFC 9562 §5.5). Nothing stores it: it follows from the two, so it
// is the same on every replica and as long as the user has the address.
func emailUUID(subject, address string) string {
	space, err := uuid.Parse(subject)
	if err != nil {
		space = uuid.Nil
	}
	return uuid.NewSHA1(space, []byte(strings.ToLower(address))).String()
}

// getUsers answers GET users.
func (a *API) getUsers(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	var items []userItem
	for _, user := range a.options.Accounts.Users(c.call.Tenant) {
		items = append(items, describeUser(user, c.tenant.UID))
	}
	answer, err := userTable.answer(items, r.URL.RawQuery)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, answer)
	return nil
}

// headUsers answers HEAD users: whether the list can be had.
func (a *API) headUsers(w http.ResponseWriter, r *http.Request, _ *caller, _ members) error {
	if _, err := userTable.parse(r.URL.RawQuery); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// getUser answers GET users/{user_uuid}.
func (a *API) getUser(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	user, err := a.options.Accounts.User(r.Context(), c.call.Tenant, r.PathValue("user_uuid"))
	if err != nil {
		return accountProblem(r, err)
	}
	send(w, http.StatusOK, describeUser(user, c.tenant.UID))
	return nil
}

// headUser answers HEAD users/{user_uuid}.
func (a *API) headUser(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	if _, err := a.options.Accounts.User(r.Context(), c.call.Tenant, r.PathValue("user_uuid")); err != nil {
		return accountProblem(r, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// createUser answers POST users.
func (a *API) createUser(w http.ResponseWriter, r *http.Request, c *caller, m members) error {
	wanted, err := parseNewUser(m)
	if err != nil {
		return err
	}
	user, err := a.options.Accounts.Create(c.call.Context(r), c.request(), *wanted)
	if err != nil {
		return accountProblem(r, err)
	}
	send(w, http.StatusOK, describeUser(user, c.tenant.UID))
	return nil
}

// replaceUser answers PUT users/{user_uuid}.
func (a *API) replaceUser(w http.ResponseWriter, r *http.Request, c *caller, m members) error {
	wanted, err := parseProfile(m)
	if err != nil {
		return err
	}
	user, err := a.options.Accounts.Replace(c.call.Context(r), c.request(), r.PathValue("user_uuid"), *wanted)
	if err != nil {
		return accountProblem(r, err)
	}
	send(w, http.StatusOK, describeUser(user, c.tenant.UID))
	return nil
}

// deleteUser answers DELETE users/{user_uuid}.
func (a *API) deleteUser(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	if err := a.options.Accounts.Delete(c.call.Context(r), c.request(), r.PathValue("user_uuid")); err != nil {
		return accountProblem(r, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// changePassword answers PUT users/{user_uuid}/password.
func (a *API) changePassword(w http.ResponseWriter, r *http.Request, c *caller, m members) error {
	old, wanted, err := parsePasswords(m)
	if err != nil {
		return err
	}
	if err := a.options.Accounts.ChangePassword(c.call.Context(r), c.request(), r.PathValue("user_uuid"), old, wanted); err != nil {
		return accountProblem(r, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// request is a change as package accounts hears of it.
func (c *caller) request() accounts.Request {
	request := accounts.Request{Namespace: c.call.Tenant, By: c.Access.Subject}
	if c.call.Client.IsValid() {
		request.Source = c.call.Client.String()
	}
	return request
}

// accountProblem translates a refusal of package accounts. Any other error is an outage.
func accountProblem(r *http.Request, err error) error {
	refusal, ok := errors.AsType[*accounts.Refusal](err)
	if !ok {
		return err
	}
	switch refusal.Reason {
	case accounts.UnknownUser:
		return errUnknown("user", r.PathValue("user_uuid"))
	case accounts.Invalid:
		return errInvalidData(string(refusal.Field), refusal.Text)
	case accounts.Conflict:
		return &problem{
			status: http.StatusConflict, text: "Conflict detected", id: "conflict", resource: "users",
			details: map[string]constraint{string(refusal.Field): {ID: "unique", Message: refusal.Text}},
		}
	case accounts.ManagedExternally:
		return errManagedExternally("users", refusal.Text)
	case accounts.PasswordManagedExternally:
		return &problem{status: http.StatusMethodNotAllowed, text: refusal.Text, id: "password-managed-externally", resource: "users"}
	case accounts.WrongPassword:
		return &problem{status: http.StatusUnauthorized, text: "Authentication Failed", id: "authentication-failed", resource: "users"}
	case accounts.NotPermitted:
		return &problem{status: http.StatusForbidden, text: refusal.Text, id: "user-management-disabled", resource: "users"}
	}
	return err
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
