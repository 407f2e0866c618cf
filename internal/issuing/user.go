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
	// account is what failures count for instead of the login; empty: the login.
	account string
}

// authenticateUser proves a password. Unknown, disabled, expired and passwordless users cost the same
// work as a wrong password and get the same answer. The credential version that comes back names the
// password that was proven.
func (s *Service) authenticateUser(ctx context.Context, t *directory.Tenant, presented Credentials) (*directory.User, string, error) {
	source, _ := netip.ParseAddr(presented.Source) // what is no address counts as one place
	attempt := passwords.Attempt{
		Tenant:   t.Namespace(),
		Login:    presented.Login,
		Account:  presented.account,
		Source:   passwords.Source(source),
		Password: presented.Password,
		Shape:    t.PasswordShape(presented.Login),
	}
	var good []directory.Password
	var standing directory.Standing
	user, found := t.UserByLogin(presented.Login)
	if now := s.now(); found {
		if standing = t.UserStanding(user, now); standing.Good() {
			good, standing = t.Passwords(user, now)
			attempt.Subject = user.Subject()
			attempt.Materials = materials(good)
		}
	}
	proven, err := s.Passwords.Verify(ctx, attempt)
	if err != nil {
		return nil, "", refusalOf(err, detailOf(found, standing, len(good)))
	}
	version := good[proven].Version
	// Hashing takes its time, and more in the queue. It is the user of after it who logs in, and what
	// was proven must still be a password, or the old one would buy a token of the new one's.
	user, found = t.UserBySubject(attempt.Subject)
	if !found || !t.UserStanding(user, s.now()).Good() || !s.goodPassword(t, user, version) {
		return nil, "", errPassword.because(detailChanged)
	}
	return user, version, nil
}

func materials(good []directory.Password) []passwords.Material {
	all := make([]passwords.Material, len(good))
	for i := range good {
		all[i] = good[i].Material
	}
	return all
}

// goodPassword tells whether a credential version names a password with which the user can log in.
func (s *Service) goodPassword(t *directory.Tenant, user *directory.User, version string) bool {
	_, good := t.PasswordOf(user, version, s.Clock.Now())
	return good
}

// What the audit log tells of a login that fails, where that is not the reason of a condition.
const (
	detailUserUnknown    = "UserUnknown"
	detailPasswordAbsent = "PasswordAbsent"
	detailPasswordWrong  = "PasswordWrong"
	// detailChanged: what was proven, or whose it was, was good no more by the time it was proven.
	detailChanged = "Changed"
)

// detailOf says why a password counts for nothing, for whoever runs the tenant: in the words of the user's
// own condition where the user stands in the way. It is made of what every attempt looks at anyway.
func detailOf(found bool, standing directory.Standing, passwords int) string {
	switch {
	case !found:
		return detailUserUnknown
	case !standing.Good():
		return standing.Reason
	case passwords == 0:
		return detailPasswordAbsent
	}
	return detailPasswordWrong
}

func refusalOf(err error, detail string) error {
	if locked, ok := errors.AsType[*passwords.LockedError](err); ok {
		return &Refusal{Reason: LockedOut, Description: "too many failed attempts", RetryAfter: locked.RetryAfter}
	}
	if errors.Is(err, passwords.ErrMismatch) {
		return errPassword.because(detail)
	}
	return unavailable(err)
}

// errPassword is the one answer to every login that fails.
var errPassword = refuse(InvalidGrant, "the user or the password is wrong")
