package accounts

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/audit"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/secretwriter"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// Store reads and writes users past every cache; see package store.
type Store interface {
	CreateUser(ctx context.Context, user *v1alpha1.AuthUser) error
	User(ctx context.Context, namespace, name string) (*v1alpha1.AuthUser, error)
	FinishUser(ctx context.Context, user *v1alpha1.AuthUser) error
	ReplaceUser(ctx context.Context, read, changed *v1alpha1.AuthUser) error
	DeleteUser(ctx context.Context, user *v1alpha1.AuthUser) error
	UsersAsOf(ctx context.Context, namespace, version string) ([]v1alpha1.AuthUser, error)
	HasSecret(ctx context.Context, namespace, name string) (bool, error)
}

// Live reads a user whom memory does not know yet, within bounds; see store.Live.
type Live interface {
	UserBySubject(ctx context.Context, namespace, subject string) (*v1alpha1.AuthUser, error)
}

// Hasher makes the hashes of new passwords; see package passwords.
type Hasher interface {
	Hash(ctx context.Context, tenant string, password sensitive.String) (sensitive.String, error)
}

// Logins proves old passwords, and ends what logins have made; see package issuing.
type Logins interface {
	ProvePassword(ctx context.Context, t *directory.Tenant, user *directory.User, password sensitive.String, source string) error
	EndLogins(ctx context.Context, t *directory.Tenant, subject string) error
	EndOldLogins(ctx context.Context, t *directory.Tenant, user *directory.User) error
	EndSessions(ctx context.Context, t *directory.Tenant, subject string) error
}

// Config is what a Service is made of. Audit may be nil.
type Config struct {
	Directory *directory.Directory
	Store     Store
	Live      Live
	Secrets   *secretwriter.Writer
	Passwords Hasher
	Logins    Logins
	Clock     clock.PassiveClock
	Rand      io.Reader
	// Audit gets a line for whatever is changed, and for old passwords that are wrong.
	Audit *audit.Log
}

// Service changes users. All methods may be called at once from many goroutines. One that refuses
// returns a *Refusal as its error; any other error means that it could not be done, or is not known to
// have been.
type Service struct {
	Config
	sight *sight
}

// New makes a service, which listens to the directory for as long as that is there.
func New(config Config) *Service {
	s := &Service{Config: config, sight: newSight()}
	config.Directory.Subscribe(s.sight.changed)
	return s
}

// Request is where a change is asked for, and by whom.
type Request struct {
	// Namespace is the tenant, which is known to be served.
	Namespace string
	// By is the subject, or the client_id, of the token that allows it.
	By string
	// Source is the client's address as text.
	Source string
}

// maxAttempts is how often a change is tried where somebody else is faster: the leader writes the status of
// the same object.
const maxAttempts = 4

const (
	// requestTimeout is how long one request may take, without what has to be undone.
	requestTimeout = 20 * time.Second
	// undoTimeout is how long it may then take to undo what was written for nothing, also where whoever
	// asked has gone.
	undoTimeout = 5 * time.Second
)

// Users lists the users of a tenant, in no order: those who hold the subject that they name.
func (s *Service) Users(namespace string) []*directory.User {
	t, ok := s.Directory.Tenant(namespace)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(t.Users(), func(user *directory.User) bool { return !holds(t, user) })
}

// User finds the user of a subject, or refuses with UnknownUser. Memory answers; a subject that it does not
// know costs one bounded live read, for another replica may have made the user just now.
func (s *Service) User(ctx context.Context, namespace, subject string) (*directory.User, error) {
	_, user, err := s.find(ctx, namespace, subject)
	return user, err
}

func (s *Service) find(ctx context.Context, namespace, subject string) (*directory.Tenant, *directory.User, error) {
	t, ok := s.Directory.Tenant(namespace)
	if !ok || subject == "" {
		return nil, nil, errUnknownUser
	}
	if user, ok := t.UserBySubject(subject); ok {
		return t, user, nil
	}
	live, err := s.Live.UserBySubject(ctx, namespace, subject)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, errUnknownUser
	case err != nil:
		return nil, nil, err
	}
	return t, directory.NewUser(live), nil
}

func holds(t *directory.Tenant, user *directory.User) bool {
	holder, ok := t.UserBySubject(user.Subject())
	return ok && user.Subject() != "" && holder.Name == user.Name
}

// own reads a user as the API server has it, and refuses where it is not the endpoint's.
func (s *Service) own(ctx context.Context, user *directory.User) (*v1alpha1.AuthUser, error) {
	live, err := s.Store.User(ctx, user.Namespace, user.Name)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && live.Spec.Subject != user.Subject():
		return nil, errUnknownUser
	case err != nil:
		return nil, refusalOf(err)
	case !isOurs(live):
		return nil, errManaged
	}
	return live, nil
}

func (s *Service) record(ctx context.Context, event audit.Event, request Request, user *v1alpha1.AuthUser) {
	s.Audit.Record(ctx, audit.Record{
		Event: event, Tenant: request.Namespace, Subject: user.Spec.Subject, Username: user.EffectiveUsername(), By: request.By,
	})
}
