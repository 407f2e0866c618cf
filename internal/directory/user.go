package directory

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
)

// User is one AuthUser, ready to be asked.
type User struct {
	*v1alpha1.AuthUser
	// Scopes are the compiled spec.scopes. Where they do not compile the user allows nothing and
	// its standing says so.
	Scopes scopes.Patterns

	logins    []string
	unusable  string
	generated *Generated
	passwords atomic.Pointer[heldPasswords]
}

type userTable struct {
	*table[*User]
	byLogin, bySubject, bySecret *index[*User]
}

func newUserTable() userTable {
	byLogin := newIndex((*User).Logins)
	bySubject := newIndex(func(u *User) []string { return []string{u.Spec.Subject} })
	bySecret := newIndex(func(u *User) []string { return []string{passwordSecretName(u.AuthUser)} })
	return userTable{newTable(byLogin, bySubject, bySecret), byLogin, bySubject, bySecret}
}

// NewUser makes the row of an AuthUser.
func NewUser(object *v1alpha1.AuthUser) *User {
	u := &User{AuthUser: object}
	compiled, err := scopes.Compile(object.Spec.Scopes)
	if err != nil {
		u.unusable = "spec.scopes: " + err.Error()
	}
	u.Scopes = compiled
	if u.generated, err = generatedPassword(object); err != nil {
		u.unusable = "spec.password.generate." + err.Error()
	}
	u.logins = append(u.logins, FoldLogin(u.EffectiveUsername()))
	for _, email := range object.Spec.Emails {
		u.logins = append(u.logins, FoldLogin(email.Address))
	}
	return u
}

// Subject is the user's `sub`. It is empty until the operator has written it.
func (u *User) Subject() string { return u.Spec.Subject }

// Logins are the username and the e-mail addresses, in the case in which they are compared.
func (u *User) Logins() []string { return u.logins }

// FoldLogin puts a login into the one case-insensitive space of usernames and e-mail addresses.
func FoldLogin(login string) string { return strings.ToLower(login) }

// UserByLogin finds the user who holds a username or e-mail address.
func (t *Tenant) UserByLogin(login string) (*User, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return holderOf(t.users.byLogin, FoldLogin(login), (*User).claim)
}

// UserBySubject finds the user who holds a subject.
func (t *Tenant) UserBySubject(subject string) (*User, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return holderOf(t.users.bySubject, subject, (*User).claim)
}

// User looks up a user by its object's name.
func (t *Tenant) User(name string) (*User, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.users.get(name)
}

// Users lists all users, in no order.
func (t *Tenant) Users() []*User { return rowsOf(t, t.users.table) }

// sharing names the users whose standing hangs on this one's: those that claim a login of its or
// its subject.
func (ut userTable) sharing(name string) []string {
	u, ok := ut.get(name)
	if !ok {
		return nil
	}
	names := otherNames(ut.bySubject, u.Subject(), name)
	for _, login := range u.logins {
		names = append(names, otherNames(ut.byLogin, login, name)...)
	}
	return names
}

// UsersWithSecret names the users whose password is in the named Secret.
func (t *Tenant) UsersWithSecret(secret string) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return otherNames(t.users.bySecret, secret, "")
}

// UserStanding tells whether a user may be acted for at this moment, and if not, why. A missing
// password is no part of it: see Passwords.
func (t *Tenant) UserStanding(u *User, now time.Time) Standing {
	switch {
	case u.unusable != "":
		return NewStanding(v1alpha1.ReasonInvalidSpec, "%s", u.unusable)
	case u.Subject() == "":
		return NewStanding(v1alpha1.ReasonPending, "spec.subject has not been written yet")
	}
	if contested := t.contested(u); !contested.Good() {
		return contested
	}
	switch {
	case u.Spec.EffectiveState() == v1alpha1.UserStateDisabled:
		return NewStanding(v1alpha1.ReasonDisabled, "spec.state is Disabled")
	case u.Spec.ExpiresAt != nil && !now.Before(u.Spec.ExpiresAt.Time):
		return NewStanding(v1alpha1.ReasonExpired, "spec.expiresAt is in the past")
	}
	return Standing{}
}

// contested tells which name of u an incumbent holds.
func (t *Tenant) contested(u *User) Standing {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i, login := range u.logins {
		held, ok := holderOf(t.users.byLogin, login, (*User).claim)
		switch {
		case !ok || held.Name == u.Name:
		case i == 0:
			return NewStanding(v1alpha1.ReasonDuplicateLogin, "the username %q is held by AuthUser %q", u.EffectiveUsername(), held.Name)
		default:
			return NewStanding(v1alpha1.ReasonDuplicateLogin, "spec.emails: %q is held by AuthUser %q", u.Spec.Emails[i-1].Address, held.Name)
		}
	}
	if held, ok := holderOf(t.users.bySubject, u.Subject(), (*User).claim); ok && held.Name != u.Name {
		return NewStanding(v1alpha1.ReasonDuplicateSubject, "spec.subject is held by AuthUser %q", held.Name)
	}
	return Standing{}
}

// claim is the user's claim to a login or a subject: what its status shows it has held before.
func (u *User) claim(key string) claim {
	held := FoldLogin(u.Status.Username) == key || u.Status.Subject == key
	for _, email := range u.Status.Emails {
		held = held || FoldLogin(email) == key
	}
	return claim{incumbent: held, since: u.CreationTimestamp.Time, name: u.Name}
}
