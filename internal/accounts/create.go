package accounts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/freshness"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// NewUser is a user that is to be made.
type NewUser struct {
	Profile
	// Subject is a UUID in lower case; empty for a random one.
	Subject string
	// Email is the main address, which counts as verified; empty for none.
	Email string
	// Password may be zero, for a user who cannot log in with one.
	Password sensitive.String
}

// unfinished is how long the making of a user may take. One that is not finished after that was left
// behind by a crash.
const unfinished = time.Minute

// Create makes a user. It refuses with Conflict where another user has its username, its e-mail address
// or its subject, in any case, and with Invalid what is no user. It writes the AuthUser, looks whether
// that came second, and writes the Secret with the password's hash last: docs/adr/0014 says why.
func (s *Service) Create(ctx context.Context, request Request, wanted NewUser) (*directory.User, error) {
	if err := errors.Join(wanted.check(), checkAddress(wanted.Email)); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	object, err := s.draft(request.Namespace, &wanted)
	if err != nil {
		return nil, err
	}
	hash := sensitive.String{}
	if name := passwordSecret(&object.Spec); name != "" {
		if hash, err = s.Passwords.Hash(ctx, request.Namespace, wanted.Password); err != nil {
			return nil, err
		}
	}
	if err := s.makeRoom(ctx, request, object); err != nil {
		return nil, refusalOf(err)
	}
	if err := s.claim(ctx, object); err != nil {
		return nil, refusalOf(err)
	}
	if err := s.finish(ctx, object, hash); err != nil {
		s.takeBack(ctx, object)
		return nil, refusalOf(err)
	}
	s.record(ctx, audit.UserCreated, request, object)
	return s.awaitUser(ctx, object), nil
}

// draft is a new user as it is written.
func (s *Service) draft(namespace string, wanted *NewUser) (*v1alpha1.AuthUser, error) {
	object := &v1alpha1.AuthUser{ObjectMeta: metav1.ObjectMeta{
		Namespace:   namespace,
		Labels:      map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper},
		Annotations: map[string]string{v1alpha1.AnnotationUnfinished: "true"},
	}}
	wanted.apply(&object.Spec)
	subject, err := uuid.NewRandomFromReader(s.Rand)
	if err != nil {
		return nil, fmt.Errorf("make a subject: %w", err)
	}
	if object.Spec.Subject = wanted.Subject; wanted.Subject == "" {
		object.Spec.Subject = subject.String()
	}
	if wanted.Email != "" {
		object.Spec.Emails = []v1alpha1.Email{{Address: wanted.Email, Main: true, Verified: true}}
	}
	object.Name = nameOf(&object.Spec)
	if !wanted.Password.IsZero() {
		unique, err := uuid.NewRandomFromReader(s.Rand)
		if err != nil {
			return nil, fmt.Errorf("name a Secret: %w", err)
		}
		object.Spec.Password = &v1alpha1.UserPassword{HashSecretRef: &v1alpha1.SecretKeyReference{
			Name: keys.Name("http-password", unique.String()), Key: v1alpha1.KeyPassword,
		}}
	}
	return object, nil
}

// makeRoom refuses a user where memory knows another one who has something of its. One that was left
// behind unfinished gives way.
func (s *Service) makeRoom(ctx context.Context, request Request, object *v1alpha1.AuthUser) error {
	t, ok := s.Directory.Tenant(object.Namespace)
	if !ok {
		return nil
	}
	taken := claims(object)
	inOrder := slices.SortedFunc(maps.Keys(taken), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(claimed, taken[a]), slices.Index(claimed, taken[b])), cmp.Compare(a, b))
	})
	for _, claim := range inOrder {
		for _, find := range []func(string) (*directory.User, bool){t.UserByLogin, t.UserBySubject} {
			holder, ok := find(claim)
			if !ok {
				continue
			}
			if err := s.giveWay(ctx, request, object, holder.AuthUser); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveWay deletes a user who is in the way of another one and whom a crash has left behind; it refuses
// where that is not so.
func (s *Service) giveWay(ctx context.Context, request Request, object, holder *v1alpha1.AuthUser) error {
	live, err := s.Store.User(ctx, holder.Namespace, holder.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil // memory is late
	}
	if err != nil {
		return err
	}
	field, inTheWay := shared(object, live)
	if !inTheWay {
		return nil // likewise
	}
	left, err := s.isLeftBehind(ctx, live)
	switch {
	case err != nil:
		return err
	case !left:
		return errConflict(field)
	}
	if err := s.Store.DeleteUser(ctx, live); err != nil {
		return err
	}
	s.record(ctx, audit.UserDeleted, request, live)
	return nil
}

// isLeftBehind tells whether the making of a user was broken off. A user who was finished once is none of
// these, whatever has become of its password: nobody logs in as it then, and nobody else gets its name.
func (s *Service) isLeftBehind(ctx context.Context, live *v1alpha1.AuthUser) (bool, error) {
	_, marked := live.Annotations[v1alpha1.AnnotationUnfinished]
	if !marked || !isOurs(live) || s.Clock.Since(live.CreationTimestamp.Time) < unfinished {
		return false, nil
	}
	name := passwordSecret(&live.Spec)
	if name == "" {
		return true, nil
	}
	there, err := s.Store.HasSecret(ctx, live.Namespace, name)
	return !there, err
}

// claim writes the user, unless another one has something of its: the name settles it for one login, and
// the look at all that was written before settles it for the rest.
func (s *Service) claim(ctx context.Context, object *v1alpha1.AuthUser) error {
	err := s.Store.CreateUser(ctx, object)
	if errors.Is(err, store.ErrExists) {
		if err := s.refuseTakenLogin(ctx, object); err != nil {
			return err
		}
		object.Name = nameOf(&object.Spec, object.Spec.Subject)
		err = s.Store.CreateUser(ctx, object)
	}
	if err != nil {
		return err
	}
	if err := s.cameFirst(ctx, object); err != nil {
		s.takeBack(ctx, object)
		return err
	}
	return nil
}

// refuseTakenLogin refuses a user whose name is taken by one who has its login. The other one may have had
// that login and have another one now.
func (s *Service) refuseTakenLogin(ctx context.Context, object *v1alpha1.AuthUser) error {
	live, err := s.Store.User(ctx, object.Namespace, object.Name)
	if errors.Is(err, store.ErrNotFound) {
		return errRaced
	}
	if err != nil {
		return err
	}
	if field, ok := shared(object, live); ok {
		return errConflict(field)
	}
	return nil
}

// cameFirst refuses a user who has something that another one had when this one was written.
func (s *Service) cameFirst(ctx context.Context, object *v1alpha1.AuthUser) error {
	before, err := s.Store.UsersAsOf(ctx, object.Namespace, object.ResourceVersion)
	if err != nil {
		return err
	}
	for i := range before {
		if field, ok := shared(object, &before[i]); ok && before[i].UID != object.UID {
			return errConflict(field)
		}
	}
	return nil
}

// finish writes the password, takes the mark off, and waits until this replica knows the password.
func (s *Service) finish(ctx context.Context, object *v1alpha1.AuthUser, hash sensitive.String) error {
	var written *corev1.Secret
	if !hash.IsZero() {
		var err error
		if written, err = s.writePassword(ctx, object, nil, hash); err != nil {
			return err
		}
	}
	if err := s.unmark(ctx, object); err != nil {
		return err
	}
	if t, ok := s.Directory.Tenant(object.Namespace); ok && written != nil {
		s.awaitSecret(ctx, t, written)
	}
	return nil
}

// unmark takes the mark of an unfinished user off. The leader writes the status of the same object.
func (s *Service) unmark(ctx context.Context, object *v1alpha1.AuthUser) error {
	for range maxAttempts {
		err := s.Store.FinishUser(ctx, object)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		live, err := s.Store.User(ctx, object.Namespace, object.Name)
		switch {
		case err != nil:
			return err
		case live.UID != object.UID:
			return errRaced
		}
		*object = *live
	}
	return errRaced
}

// takeBack deletes a user who was not to be. Where that fails it stands unfinished, and gives way to the
// next one who wants its login.
func (s *Service) takeBack(ctx context.Context, object *v1alpha1.AuthUser) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	for range maxAttempts {
		if err := s.Store.DeleteUser(ctx, object); !errors.Is(err, store.ErrConflict) {
			return
		}
		live, err := s.Store.User(ctx, object.Namespace, object.Name)
		if err != nil || live.UID != object.UID {
			return
		}
		object = live
	}
}

// awaitUser waits until this replica sees a user as it was written, and gives it.
func (s *Service) awaitUser(ctx context.Context, object *v1alpha1.AuthUser) *directory.User {
	found := directory.NewUser(object)
	s.sight.await(ctx, directory.Change{Kind: directory.Users, Namespace: object.Namespace, Name: object.Name}, func() bool {
		t, ok := s.Directory.Tenant(object.Namespace)
		if !ok {
			return false
		}
		row, ok := t.User(object.Name)
		if ok && freshness.HasReached(row.ResourceVersion, object.ResourceVersion) {
			found = row
			return true
		}
		return false
	})
	return found
}
