package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// Errors that callers tell apart. Everything else that a method returns means that the API server
// did not do what it was asked, and nothing is known.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("already exists")
	ErrConflict = errors.New("changed since it was read")
	// ErrForbidden: the operator has not been given the right to do it.
	ErrForbidden = errors.New("not permitted")
	// ErrInvalid: the API server does not take the object.
	ErrInvalid = errors.New("not valid")
)

// Kubernetes stores everything in the API server. It needs a client that does not read from a
// cache.
type Kubernetes struct {
	client client.Client
}

// NewKubernetes makes a store from a client without a cache.
func NewKubernetes(direct client.Client) *Kubernetes { return &Kubernetes{direct} }

// CreateSession writes a reference token's session. ErrExists where its digest is taken.
func (k *Kubernetes) CreateSession(ctx context.Context, session *v1alpha1.AuthSession) error {
	return k.create(ctx, session)
}

// Session reads a session by its name; ErrNotFound where there is none.
func (k *Kubernetes) Session(ctx context.Context, namespace, name string) (*v1alpha1.AuthSession, error) {
	session := &v1alpha1.AuthSession{}
	if err := k.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, session); err != nil {
		return nil, classify("read the session", err)
	}
	return session, nil
}

// SessionsByID reads the sessions that say that they have an id; ErrNotFound where there is none.
func (k *Kubernetes) SessionsByID(ctx context.Context, namespace, id string) ([]*v1alpha1.AuthSession, error) {
	sessions := &v1alpha1.AuthSessionList{}
	err := k.client.List(ctx, sessions, client.InNamespace(namespace), client.MatchingFields{"spec.id": id})
	if err != nil {
		return nil, classify("look for the session", err)
	}
	if len(sessions.Items) == 0 {
		return nil, ErrNotFound
	}
	found := make([]*v1alpha1.AuthSession, len(sessions.Items))
	for i := range sessions.Items {
		found[i] = &sessions.Items[i]
	}
	return found, nil
}

// SessionsOfOwner reads the sessions that are counted together: as they are now or, with a version, as
// they were at that version or later, which spares the API server a question to etcd.
func (k *Kubernetes) SessionsOfOwner(ctx context.Context, namespace string, owner Owner, notOlderThan string) ([]*v1alpha1.AuthSession, error) {
	selector := fields.OneTermEqualSelector("spec.subject", owner.Subject)
	if uuid.Validate(owner.Subject) != nil { // no client_id is a UUID
		selector = fields.AndSelectors(fields.OneTermEqualSelector("spec.subject", ""), fields.OneTermEqualSelector("spec.clientID", owner.Subject))
	}
	options := &client.ListOptions{Namespace: namespace, FieldSelector: selector}
	if notOlderThan != "" {
		options.Raw = &metav1.ListOptions{ResourceVersion: notOlderThan, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan}
	}
	sessions := &v1alpha1.AuthSessionList{}
	if err := k.client.List(ctx, sessions, options); err != nil {
		return nil, classify("count the sessions", err)
	}
	var own []*v1alpha1.AuthSession
	for i := range sessions.Items {
		if OwnerOf(&sessions.Items[i]) == owner {
			own = append(own, &sessions.Items[i])
		}
	}
	return own, nil
}

// DeleteSession ends a session; it is no error where there is none.
func (k *Kubernetes) DeleteSession(ctx context.Context, namespace, name string) error {
	session := &v1alpha1.AuthSession{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := k.client.Delete(ctx, session); client.IgnoreNotFound(err) != nil {
		return classify("delete the session", err)
	}
	return nil
}

// Revoke writes that a token id died early. It is no error where that stands already.
func (k *Kubernetes) Revoke(ctx context.Context, revocation *v1alpha1.TokenRevocation) error {
	if err := k.create(ctx, revocation); !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// CreateGrant writes a grant that the endpoint made and fills in what the API server adds. Where
// its name is taken it returns the grant that stands there, with ErrExists: the name is the lock.
func (k *Kubernetes) CreateGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error) {
	err := k.create(ctx, grant)
	if !errors.Is(err, ErrExists) {
		return grant, err
	}
	standing, err := k.Grant(ctx, grant.Namespace, grant.Name)
	if err != nil {
		return nil, err
	}
	return standing, ErrExists
}

// Grant reads a grant by its name; ErrNotFound where there is none.
func (k *Kubernetes) Grant(ctx context.Context, namespace, name string) (*v1alpha1.RefreshTokenGrant, error) {
	grant := &v1alpha1.RefreshTokenGrant{}
	if err := k.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, grant); err != nil {
		return nil, classify("read the grant", err)
	}
	return grant, nil
}

// GrantByID reads the oldest grant that has an id; ErrNotFound where there is none.
func (k *Kubernetes) GrantByID(ctx context.Context, namespace, id string) (*v1alpha1.RefreshTokenGrant, error) {
	grants := &v1alpha1.RefreshTokenGrantList{}
	err := k.client.List(ctx, grants, client.InNamespace(namespace), client.MatchingFields{"spec.id": id})
	if err != nil {
		return nil, classify("look for the grant", err)
	}
	if len(grants.Items) == 0 {
		return nil, ErrNotFound
	}
	return oldest(grants.Items), nil
}

// oldest is the one of some objects that was made first.
func oldest[T any, P interface {
	*T
	client.Object
}](objects []T) P {
	first := P(&objects[0])
	for i := range objects {
		if one := P(&objects[i]); one.GetCreationTimestamp().Time.Before(first.GetCreationTimestamp().Time) {
			first = one
		}
	}
	return first
}

// MoveEpoch raises a grant's epoch by one, which ends every token of it. ErrConflict where the
// grant changed since it was read.
func (k *Kubernetes) MoveEpoch(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error) {
	return k.patchGrant(ctx, "move the grant's epoch", grant, func(spec *v1alpha1.RefreshTokenGrantSpec) {
		spec.Epoch = spec.EffectiveEpoch() + 1
	})
}

// Rotate makes a generation the grant's current one, at a second. ErrConflict where the grant changed
// since it was read, so that of several who use one refresh token one alone rotates it.
func (k *Kubernetes) Rotate(ctx context.Context, grant *v1alpha1.RefreshTokenGrant, generation int64, at time.Time) (*v1alpha1.RefreshTokenGrant, error) {
	return k.patchGrant(ctx, "rotate the grant's refresh token", grant, func(spec *v1alpha1.RefreshTokenGrantSpec) {
		spec.RefreshToken.Generation, spec.RefreshToken.RotatedAt = generation, &metav1.Time{Time: at}
	})
}

// RevokeGrant ends a grant for good and lets it stand, so that whoever looks sees why. ErrConflict
// where the grant changed since it was read.
func (k *Kubernetes) RevokeGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) (*v1alpha1.RefreshTokenGrant, error) {
	return k.patchGrant(ctx, "revoke the grant", grant, func(spec *v1alpha1.RefreshTokenGrantSpec) {
		spec.State = v1alpha1.GrantStateRevoked
	})
}

// patchGrant changes a grant's spec under the version that was read. What it does not change is not
// sent.
func (k *Kubernetes) patchGrant(ctx context.Context, doing string, grant *v1alpha1.RefreshTokenGrant, change func(*v1alpha1.RefreshTokenGrantSpec)) (*v1alpha1.RefreshTokenGrant, error) {
	patched := grant.DeepCopy()
	change(&patched.Spec)
	if err := k.client.Patch(ctx, patched, client.MergeFromWithOptions(grant, client.MergeFromWithOptimisticLock{})); err != nil {
		return nil, classify(doing, err)
	}
	return patched, nil
}

// DeleteGrant ends a grant; it is no error where there is none.
func (k *Kubernetes) DeleteGrant(ctx context.Context, grant *v1alpha1.RefreshTokenGrant) error {
	if err := k.client.Delete(ctx, grant, client.Preconditions{UID: &grant.UID}); client.IgnoreNotFound(err) != nil {
		return classify("delete the grant", err)
	}
	return nil
}

func (k *Kubernetes) create(ctx context.Context, object client.Object) error {
	return classify(fmt.Sprintf("create the %T", object), k.client.Create(ctx, object))
}

// classify keeps the API server's own text, which names objects and fields and no secrets.
func classify(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case apierrors.IsNotFound(err):
		return ErrNotFound
	case apierrors.IsAlreadyExists(err):
		return ErrExists
	case apierrors.IsConflict(err):
		return ErrConflict
	case isUnauthorized(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrForbidden, err)
	case apierrors.IsInvalid(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrInvalid, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// isUnauthorized tells whether the operator lacks the right to do something. Quotas and admission refuse
// with the same status and reason; the sentence that the API server's authorization says is its own.
func isUnauthorized(err error) bool {
	text := err.Error()
	return apierrors.IsForbidden(err) && strings.Contains(text, "is forbidden: User \"") && strings.Contains(text, "\" cannot ") &&
		strings.Contains(text, " in API group ")
}
