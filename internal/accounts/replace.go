package accounts

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// Replace gives a user another profile: what the new one leaves out is gone afterwards. The sessions of one
// who is disabled by it end. It refuses with
// UnknownUser, ManagedExternally, Invalid, or Conflict where another user has the username.
func (s *Service) Replace(ctx context.Context, request Request, subject string, wanted Profile) (*directory.User, error) {
	if err := wanted.check(); err != nil {
		return nil, err
	}
	t, user, err := s.find(ctx, request.Namespace, subject)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for range maxAttempts {
		replaced, err := s.replace(ctx, request, t, user, &wanted)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil, errUnknownUser
		}
		if err != nil {
			return nil, refusalOf(err)
		}
		now := s.awaitUser(ctx, replaced)
		if wanted.Disabled {
			// What cannot be ended now is swept: nothing of it is good while the user is disabled.
			_ = s.Logins.EndSessions(ctx, t, subject)
		}
		return now, nil
	}
	return nil, errRaced
}

// replace tries once. Where the user came second to its new username, it gets back what it had. What it
// keeps is not looked at: a user whose login another one has too must be able to get another.
func (s *Service) replace(ctx context.Context, request Request, t *directory.Tenant, user *directory.User, wanted *Profile) (*v1alpha1.AuthUser, error) {
	live, err := s.own(ctx, user)
	if err != nil {
		return nil, err
	}
	changed := live.DeepCopy()
	wanted.apply(&changed.Spec)
	if equality.Semantic.DeepEqual(live.Spec, changed.Spec) {
		return live, nil
	}
	login := directory.FoldLogin(changed.EffectiveUsername())
	_, kept := claims(live)[login]
	if !kept && isTaken(t, live, login) {
		return nil, errConflict(FieldUsername)
	}
	if err := s.Store.ReplaceUser(ctx, live, changed); err != nil {
		return nil, err
	}
	if !kept {
		if err := s.gotLogin(ctx, changed, login); err != nil {
			if back := s.putBack(ctx, changed, live); back != nil {
				return nil, fmt.Errorf("give a user back what it had: %w", back) // and not that it was refused
			}
			return nil, err
		}
	}
	s.record(ctx, audit.UserChanged, request, changed)
	return changed, nil
}

// isTaken tells whether memory knows another user who has a login.
func isTaken(t *directory.Tenant, live *v1alpha1.AuthUser, login string) bool {
	byLogin, known := t.UserByLogin(login)
	if known && byLogin.Name != live.Name {
		return true
	}
	bySubject, known := t.UserBySubject(login)
	return known && bySubject.Name != live.Name
}

// gotLogin refuses a change that took a login which another user had when it was written.
func (s *Service) gotLogin(ctx context.Context, changed *v1alpha1.AuthUser, login string) error {
	before, err := s.Store.UsersAsOf(ctx, changed.Namespace, changed.ResourceVersion)
	if err != nil {
		return err
	}
	for i := range before {
		if _, taken := claims(&before[i])[login]; taken && before[i].UID != changed.UID {
			return errConflict(FieldUsername)
		}
	}
	return nil
}

// putBack gives a user the profile back that it had. What a person has written meanwhile stays.
func (s *Service) putBack(ctx context.Context, changed, before *v1alpha1.AuthUser) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	had := Profile{
		Username: before.Spec.Username, FirstName: before.Spec.FirstName, LastName: before.Spec.LastName,
		Purpose: before.Spec.Purpose, Disabled: before.Spec.EffectiveState() == v1alpha1.UserStateDisabled,
	}
	for range maxAttempts {
		back := changed.DeepCopy()
		had.apply(&back.Spec)
		err := s.Store.ReplaceUser(ctx, changed, back)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if changed, err = s.Store.User(ctx, changed.Namespace, changed.Name); err != nil {
			return err
		}
	}
	return errRaced
}

// Delete deletes a user, and with it whatever its logins have made. Its tokens are dead at once. It
// refuses with UnknownUser and ManagedExternally.
func (s *Service) Delete(ctx context.Context, request Request, subject string) error {
	t, user, err := s.find(ctx, request.Namespace, subject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for range maxAttempts {
		live, err := s.own(ctx, user)
		if err != nil {
			return err
		}
		err = s.Store.DeleteUser(ctx, live)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case errors.Is(err, store.ErrNotFound):
			return errUnknownUser
		case err != nil:
			return refusalOf(err)
		}
		s.record(ctx, audit.UserDeleted, request, live)
		// What cannot be ended now is swept: nothing of it is good without the user.
		_ = s.Logins.EndLogins(ctx, t, subject)
		s.awaitGone(ctx, t, live)
		return nil
	}
	return errRaced
}

// awaitGone waits until this replica sees that a user is gone.
func (s *Service) awaitGone(ctx context.Context, t *directory.Tenant, object *v1alpha1.AuthUser) {
	s.sight.await(ctx, directory.Change{Kind: directory.Users, Namespace: object.Namespace, Name: object.Name}, func() bool {
		row, ok := t.User(object.Name)
		return !ok || row.UID != object.UID
	})
}
