package issuing

import (
	"context"
	"errors"
	"net/netip"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Credentials are a login and a password, and where they came from.
type Credentials struct {
	// Login is a username or an e-mail address, in any case.
	Login    string
	Password sensitive.String
	// Source is the client's address as text. Failures count for its network (passwords.Source).
	Source string
}

// authenticateUser proves a password. Unknown, disabled, expired and passwordless users cost the
// same hash as a wrong password and get the same answer. The credential version that comes back
// names the password that was proven.
func (s *Service) authenticateUser(ctx context.Context, t *directory.Tenant, presented Credentials) (*directory.User, string, error) {
	source, _ := netip.ParseAddr(presented.Source) // what is no address counts as one place
	attempt := passwords.Attempt{
		Tenant:   t.Namespace(),
		Login:    presented.Login,
		Source:   passwords.Source(source),
		Password: presented.Password,
	}
	user, found := t.UserByLogin(presented.Login)
	var version string
	if found && t.UserStanding(user, s.now()).Good() {
		// Before the password is read: if it changes from here on, the version is the old one's.
		version, _ = t.CredentialVersion(user)
		if password, standing := t.Password(user); standing.Good() && !password.IsZero() {
			attempt.Subject = user.Subject()
			attempt.Materials = []passwords.Material{passwords.Clear(password)}
		}
	}
	if _, err := s.Passwords.Verify(ctx, attempt); err != nil {
		return nil, "", refusalOf(err)
	}
	// Hashing takes its time, and more in the queue. It is the user of after it who logs in, and what
	// was proven must still be the password, or the old one would buy a token of the new one's.
	user, found = t.UserBySubject(attempt.Subject)
	if !found || !t.UserStanding(user, s.now()).Good() || !s.currentPassword(t, user, version) {
		return nil, "", errPassword
	}
	return user, version, nil
}

func refusalOf(err error) error {
	if locked, ok := errors.AsType[*passwords.LockedError](err); ok {
		return &Refusal{Reason: LockedOut, Description: "too many failed attempts", RetryAfter: locked.RetryAfter}
	}
	if errors.Is(err, passwords.ErrMismatch) {
		return errPassword
	}
	return unavailable(err)
}

// errPassword is the one answer to every login that fails.
var errPassword = refuse(InvalidGrant, "the user or the password is wrong")
