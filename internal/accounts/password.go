package accounts

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// ChangePassword gives a user another password, for whoever knows the old one. What was issued for the
// old one dies on every replica, but for the refresh tokens of the wazo dialect. The old password is
// proven as in a login, lockout included, and before that it is read which Secret it is in: of two
// changes at once one fails. It refuses with UnknownUser, Invalid, PasswordManagedExternally, WrongPassword,
// and Conflict where another change was faster.
func (s *Service) ChangePassword(ctx context.Context, request Request, subject string, old, wanted sensitive.String) error {
	if wanted.IsZero() {
		return errInvalid(FieldNewPassword, "must have at least one character")
	}
	t, user, err := s.find(ctx, request.Namespace, subject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	live, err := s.own(ctx, user)
	if refusal, ok := errors.AsType[*Refusal](err); ok && refusal.Reason == ManagedExternally {
		return errPasswordOwner
	}
	if err != nil {
		return err
	}
	user = s.awaitUser(ctx, live) // the old password is proven from memory
	secret, _ := t.Secret(passwordSecret(&live.Spec))
	if !isOurPassword(live, secret) {
		return errPasswordOwner
	}
	if err := s.Logins.ProvePassword(ctx, t, user, old, request.Source); err != nil {
		return s.refusedPassword(ctx, request, live, err)
	}
	hash, err := s.Passwords.Hash(ctx, request.Namespace, wanted)
	if err != nil {
		return err
	}
	written, err := s.writePassword(ctx, live, secret, hash)
	if errors.Is(err, errRaced) {
		return errPasswordRaced
	}
	if err != nil {
		return refusalOf(err)
	}
	s.record(ctx, audit.PasswordChanged, request, live)
	s.awaitSecret(ctx, t, written)
	// What cannot be ended now is swept: nothing of it is good without the old password.
	_ = s.Logins.EndOldLogins(ctx, t, user)
	return nil
}

// refusedPassword records an old password that was not proven. Too many tries are told as a wrong one:
// clients know no other answer here.
func (s *Service) refusedPassword(ctx context.Context, request Request, user *v1alpha1.AuthUser, err error) error {
	why := issuing.AsRefusal(err).Reason
	if why != issuing.InvalidGrant && why != issuing.LockedOut {
		return err
	}
	s.Audit.Record(ctx, audit.Record{
		Event: audit.PasswordRefused, Tenant: request.Namespace, Subject: user.Spec.Subject, Username: user.EffectiveUsername(),
		By: request.By, Reason: string(why),
	})
	return errWrongPassword
}

// isOurPassword tells whether the password of a user of ours is in a Secret of ours, or in none yet.
func isOurPassword(user *v1alpha1.AuthUser, observed *corev1.Secret) bool {
	name := passwordSecret(&user.Spec)
	if name == "" || user.Spec.Password.HashSecretRef.Key != v1alpha1.KeyPassword { // a new one would be written beside it
		return false
	}
	target := secretwriter.PasswordTarget(user, name)
	switch target.Judge(secretwriter.Observed{Secret: observed}) {
	case secretwriter.VerdictOurs, secretwriter.VerdictAbsent:
		return true
	case secretwriter.VerdictForeign, secretwriter.VerdictImmutable, secretwriter.VerdictOwnedByOther:
	}
	return false
}

// writePassword puts a hash into the Secret of a user's password, as that was observed; nil for none.
func (s *Service) writePassword(ctx context.Context, user *v1alpha1.AuthUser, observed *corev1.Secret, hash sensitive.String) (*corev1.Secret, error) {
	target := secretwriter.PasswordTarget(user, passwordSecret(&user.Spec))
	content := secretwriter.PasswordContent(map[string][]byte{v1alpha1.KeyPassword: []byte(hash.Reveal())})
	result, err := s.Secrets.Write(ctx, target, content, secretwriter.Observed{Secret: observed})
	switch {
	case err != nil:
		return nil, err
	case !result.Wrote():
		return nil, errRaced
	}
	return result.Secret, nil
}

// awaitSecret waits until this replica reads passwords from a Secret as it was written.
func (s *Service) awaitSecret(ctx context.Context, t *directory.Tenant, written *corev1.Secret) {
	s.sight.await(ctx, directory.Change{Kind: directory.Secrets, Namespace: written.Namespace, Name: written.Name}, func() bool {
		row, ok := t.Secret(written.Name)
		return ok && freshness.HasReached(row.ResourceVersion, written.ResourceVersion)
	})
}
