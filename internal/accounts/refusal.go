package accounts

import (
	"errors"
	"fmt"

	"github.com/grantkeeper/grantkeeper/internal/store"
)

// Reason says why a request was refused.
type Reason string

// The reasons for a refusal.
const (
	// UnknownUser: no user of the tenant has the subject.
	UnknownUser Reason = "UnknownUser"
	// Conflict: another user has the username, the e-mail address or the subject, or the password was changed
	// at the same time; Field says which.
	Conflict Reason = "Conflict"
	// Invalid: a value is none that a user can have; Field says which, where that is known.
	Invalid Reason = "Invalid"
	// ManagedExternally: the user is somebody else's to change or delete.
	ManagedExternally Reason = "ManagedExternally"
	// PasswordManagedExternally: the password comes from elsewhere.
	PasswordManagedExternally Reason = "PasswordManagedExternally"
	// WrongPassword: the old password was not the user's, or too many were tried before it.
	WrongPassword Reason = "WrongPassword"
	// NotPermitted: the operator has not been given the right to write users.
	NotPermitted Reason = "NotPermitted"
)

// Field is a part of a user that a request may name.
type Field string

// The fields.
const (
	FieldUsername    Field = "username"
	FieldFirstName   Field = "firstname"
	FieldLastName    Field = "lastname"
	FieldEmail       Field = "email_address"
	FieldUUID        Field = "uuid"
	FieldNewPassword Field = "new_password"
)

// Refusal is the error of a request that is not carried out. Its text holds nothing of the request.
type Refusal struct {
	Reason Reason
	Field  Field
	// Text may be shown to the caller.
	Text string
}

func (r *Refusal) Error() string { return string(r.Reason) + ": " + r.Text }

var (
	errUnknownUser   = &Refusal{Reason: UnknownUser, Text: "there is no such user"}
	errManaged       = &Refusal{Reason: ManagedExternally, Text: "the AuthUser was applied, and is changed where it was applied from"}
	errPasswordOwner = &Refusal{Reason: PasswordManagedExternally, Text: "the password comes from a Secret that is not the endpoint's"}
	errWrongPassword = &Refusal{Reason: WrongPassword, Text: "the old password is wrong"}
	errPasswordRaced = &Refusal{Reason: Conflict, Field: FieldNewPassword, Text: "the password was changed meanwhile"}
	errNotPermitted  = &Refusal{Reason: NotPermitted, Text: "the operator may not write users here: set userManagement.enabled=true in the chart's values to let it"}
	errNotTaken      = &Refusal{Reason: Invalid, Text: "the API server does not take such a user"}
)

// errRaced is that of a write which others keep overtaking. It may be tried again.
var errRaced = errors.New("the user keeps changing")

func errConflict(field Field) *Refusal {
	return &Refusal{Reason: Conflict, Field: field, Text: "the " + string(field) + " is already used"}
}

func errInvalid(field Field, format string, args ...any) *Refusal {
	return &Refusal{Reason: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// refusalOf tells what an error of the store means to the caller. Any other stays as it is: an outage.
func refusalOf(err error) error {
	switch {
	case errors.Is(err, store.ErrForbidden):
		return errNotPermitted
	case errors.Is(err, store.ErrInvalid):
		return errNotTaken
	}
	return err
}
