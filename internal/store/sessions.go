package store

import (
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Why a session is not made.
var (
	ErrSubjectFull = errors.New("the subject has as many live sessions as allowed")
	ErrTenantFull  = errors.New("the tenant has as many live sessions as allowed")
)

// Unbounded is more sessions than there ever are.
const Unbounded = math.MaxInt32

// Bounds are how many live sessions there may be, the new one included, of a subject and in its tenant.
// Sessions that stem from the grants of another namespace are counted by themselves, for each such
// namespace.
type Bounds struct{ Subject, Tenant int }

// Owner is what sessions are counted by.
type Owner struct {
	// Subject is that of a user, or the client_id of a client that acts for itself.
	Subject string
	// GrantNamespace is empty for the tenant's own.
	GrantNamespace string
}

// OwnerOf tells whose a session is.
func OwnerOf(session *v1alpha1.AuthSession) Owner {
	owner := Owner{Subject: session.Spec.Subject, GrantNamespace: session.Spec.GrantNamespace}
	if owner.Subject == "" {
		owner.Subject = session.Spec.ClientID
	}
	return owner
}

// Sessions keeps reference tokens in Kubernetes. Memory answers what is asked, fed by watches and by
// what this replica writes; what memory does not know costs one bounded live read. The records that it
// gives are shared and must not be changed.
type Sessions struct {
	directory *directory.Directory
	objects   *Kubernetes
	live      *Live
	clock     clock.PassiveClock
	questions *limiter
	// Seen gives the store of the informer that watches the sessions of a namespace, indexed by
	// SessionIndexers; nil where there is none. It is set before the first use; without it the API server
	// is asked after each write.
	Seen func(namespace string) toolscache.Indexer
}

// NewSessions makes the store of a replica whose watches feed the directory.
func NewSessions(d *directory.Directory, objects *Kubernetes, live *Live, clock clock.PassiveClock) *Sessions {
	return &Sessions{directory: d, objects: objects, live: live, clock: clock, questions: newLimiter()}
}

// Room is ErrSubjectFull or ErrTenantFull where another session would be past its bounds. A subject's is
// asked for at the API server before it is refused; a tenant's is as memory has it, which may be late.
func (s *Sessions) Room(ctx context.Context, tenant keys.Tenant, owner Owner, bounds Bounds) error {
	t, ok := s.directory.Tenant(tenant.Namespace)
	if !ok {
		return nil
	}
	now := s.clock.Now()
	if !t.HasRoomForSession(bounds.Tenant, owner.GrantNamespace, now) {
		return ErrTenantFull
	}
	if t.LiveSessions(owner.Subject, owner.GrantNamespace, now) < bounds.Subject {
		return nil
	}
	if full, err := s.full(ctx, tenant, owner, bounds.Subject); err != nil || !full {
		return err
	}
	return ErrSubjectFull
}

// Create writes a session. ErrExists where its name is taken; ErrSubjectFull and ErrTenantFull where
// there is no room for it.
func (s *Sessions) Create(ctx context.Context, tenant keys.Tenant, session *v1alpha1.AuthSession, bounds Bounds) error {
	if err := s.Room(ctx, tenant, OwnerOf(session), bounds); err != nil {
		return err
	}
	withdraw := s.tell(tenant, session)
	err := s.objects.CreateSession(ctx, session)
	switch {
	case errors.Is(err, ErrExists):
		return err
	case err != nil:
		withdraw()
		return err
	}
	return s.hold(ctx, tenant, session, bounds.Subject)
}

// tell lets memory know of a session that is about to be written, so that what a watch brings is newer
// and a deletion that it brings is final. It returns what takes that back.
func (s *Sessions) tell(tenant keys.Tenant, session *v1alpha1.AuthSession) (withdraw func()) {
	if _, known := s.known(tenant, session.Name); known {
		return func() {} // memory may be late: whether it is still there, the API server says
	}
	told := session.DeepCopy()
	told.CreationTimestamp = metav1.NewTime(s.clock.Now())
	s.directory.Put(told)
	return func() { s.directory.Remove(told) }
}

// Session finds a session by its name; ErrNotFound where there is none.
func (s *Sessions) Session(ctx context.Context, tenant keys.Tenant, name string) (*v1alpha1.AuthSession, error) {
	if session, ok := s.known(tenant, name); ok {
		return session, nil
	}
	return s.live.Session(ctx, tenant.Namespace, name)
}

// Delete ends a session; it is no error where there is none. This replica knows at once, the others
// when their watch brings it.
func (s *Sessions) Delete(ctx context.Context, tenant keys.Tenant, name string) error {
	if err := s.objects.DeleteSession(ctx, tenant.Namespace, name); err != nil {
		return err
	}
	if session, ok := s.known(tenant, name); ok {
		s.directory.Remove(session)
	}
	return nil
}

// OfTenant lists the sessions of a tenant, in no order.
func (s *Sessions) OfTenant(_ context.Context, tenant keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error] {
	return each(s.held(tenant, (*directory.Tenant).Sessions))
}

// OfSubject lists the sessions of a user's subject, or of a client that acts for itself.
func (s *Sessions) OfSubject(_ context.Context, tenant keys.Tenant, subject string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return each(s.held(tenant, func(t *directory.Tenant) []*v1alpha1.AuthSession { return t.SessionsOfSubject(subject) }))
}

// OfGrant lists the sessions of a grant in the tenant's own namespace.
func (s *Sessions) OfGrant(_ context.Context, tenant keys.Tenant, grantID string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return each(s.held(tenant, func(t *directory.Tenant) []*v1alpha1.AuthSession { return t.SessionsOfGrant(grantID) }))
}

// each is a list that is wholly read already.
func each(sessions []*v1alpha1.AuthSession) iter.Seq2[*v1alpha1.AuthSession, error] {
	return func(yield func(*v1alpha1.AuthSession, error) bool) {
		for _, session := range sessions {
			if !yield(session, nil) {
				return
			}
		}
	}
}

// ByID lists the sessions that may have an id. Anybody who may write sessions can write one that says
// so: the sealed record is what counts.
func (s *Sessions) ByID(ctx context.Context, tenant keys.Tenant, id string) ([]*v1alpha1.AuthSession, error) {
	held := s.held(tenant, func(t *directory.Tenant) []*v1alpha1.AuthSession { return t.SessionsByID(id) })
	if slices.ContainsFunc(held, func(session *v1alpha1.AuthSession) bool { return session.Spec.ID == id }) {
		return held, nil
	}
	found, err := s.live.SessionsByID(ctx, tenant.Namespace, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return append(held, found...), nil
}

// toldFor is how long memory is believed what it was told and the watch has not brought. A watch that is
// begun anew brings no end of what it never brought.
const toldFor = 10 * time.Second

// known finds a session in memory.
func (s *Sessions) known(tenant keys.Tenant, name string) (*v1alpha1.AuthSession, bool) {
	t, ok := s.directory.Tenant(tenant.Namespace)
	if !ok {
		return nil, false
	}
	session, ok := t.Session(name)
	if ok && s.outdated(session) {
		s.directory.Remove(session)
		return nil, false
	}
	return session, ok
}

func (s *Sessions) outdated(session *v1alpha1.AuthSession) bool {
	return session.UID == "" && s.clock.Since(session.CreationTimestamp.Time).Abs() >= toldFor
}

func (s *Sessions) held(tenant keys.Tenant, list func(*directory.Tenant) []*v1alpha1.AuthSession) []*v1alpha1.AuthSession {
	t, ok := s.directory.Tenant(tenant.Namespace)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(list(t), s.outdated)
}
