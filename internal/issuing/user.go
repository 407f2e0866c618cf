package issuing

import (
	"context"
	"errors"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Credentials are a login and a password, and where they came from.
type Credentials struct {
	// Login is a username or an e-mail address, in any case.
	Login    string
	Password sensitive.String
	// Source is the address that counts towards the lockout.
	Source string
}

// authenticateUser proves a password. Unknown, disabled, expired and passwordless users cost the
// same hash as a wrong password and get the same answer. The credential version that comes back
// names the password that was proven.
func (s *Service) authenticateUser(ctx context.Context, t *directory.Tenant, presented Credentials) (*directory.User, string, error) {
	user, found := t.UserByLogin(presented.Login)
	attempt := passwords.Attempt{
		Tenant:   t.Namespace(),
		Login:    presented.Login,
		Source:   presented.Source,
		Password: presented.Password,
	}
	if found && t.UserStanding(user, s.now()).Good() {
		if password, standing := t.Password(user); standing.Good() && !password.IsZero() {
			attempt.Subject = user.Subject()
			attempt.Materials = []passwords.Material{passwords.Clear(password)}
		}
	}
	if _, err := s.Passwords.Verify(ctx, attempt); err != nil {
		return nil, "", refusalOf(err)
	}
	version, ok := t.CredentialVersion(user)
	if !ok {
		return nil, "", refuse(InvalidGrant, "the user or the password is wrong")
	}
	return user, version, nil
}

func refusalOf(err error) error {
	if locked, ok := errors.AsType[*passwords.LockedError](err); ok {
		return &Refusal{Reason: LockedOut, Description: "too many failed attempts", RetryAfter: locked.RetryAfter}
	}
	if errors.Is(err, passwords.ErrMismatch) {
		return refuse(InvalidGrant, "the user or the password is wrong")
	}
	return unavailable(err)
}
