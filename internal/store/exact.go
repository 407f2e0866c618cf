package store

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// bySubject is the index of an informer by which the sessions of a subject are counted.
const bySubject = "grantkeeper-subject"

// SessionIndexers are what an informer of sessions needs for Sessions.Seen.
func SessionIndexers() toolscache.Indexers {
	return toolscache.Indexers{bySubject: func(object any) ([]string, error) {
		session, ok := object.(*v1alpha1.AuthSession)
		if !ok {
			return nil, nil
		}
		return []string{seenKey(session.Namespace, OwnerOf(session).Subject)}, nil
	}}
}

func seenKey(namespace, subject string) string { return namespace + "/" + subject }

// takeBackTimeout bounds how long a session that may not stand is taken back.
const takeBackTimeout = 5 * time.Second

// hold keeps a session that was just written where it stands within its subject's bound, and takes it
// back where it does not, or where that cannot be found out. See ADR 12.
func (s *Sessions) hold(ctx context.Context, tenant keys.Tenant, session *v1alpha1.AuthSession, bound int) error {
	if bound >= Unbounded || s.far(session, bound) {
		return nil
	}
	stands, err := s.stands(ctx, session, bound)
	if err == nil && stands {
		return nil
	}
	// It must not count when nobody has its token, so it goes also where whoever asked has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	if deleted := s.Delete(ctx, tenant, session.Name); err != nil || deleted != nil {
		return errors.Join(err, deleted)
	}
	return ErrSubjectFull
}

// far tells that a session is within its bound without asking the API server. Versions of one kind grow
// by one at least with each write: besides those that the watch has brought, no more sessions have been
// made up to this one, itself included, than its version is ahead of the watch's.
func (s *Sessions) far(session *v1alpha1.AuthSession, bound int) bool {
	if s.Seen == nil {
		return false
	}
	seen := s.Seen(session.Namespace)
	if seen == nil {
		return false
	}
	upTo, err := strconv.ParseInt(seen.LastStoreSyncResourceVersion(), 10, 64) // before it is counted
	if err != nil {
		return false
	}
	own, err := strconv.ParseInt(session.ResourceVersion, 10, 64)
	if err != nil {
		return false
	}
	held, err := seen.IndexKeys(bySubject, seenKey(session.Namespace, OwnerOf(session).Subject))
	if err != nil {
		return false
	}
	return int64(len(held))+max(own-upTo, 0) <= int64(bound)
}

// stands tells whether fewer sessions than the bound stand before one that was just written. All that were
// written before it are in a list that is not older than it is; which of two came first, their versions
// tell, and the same to everybody.
func (s *Sessions) stands(ctx context.Context, session *v1alpha1.AuthSession, bound int) (bool, error) {
	all, err := s.objects.SessionsOfOwner(ctx, session.Namespace, OwnerOf(session), session.ResourceVersion)
	if err != nil {
		return false, err
	}
	now, before := s.clock.Now(), 0
	for _, other := range all {
		order, err := resourceversion.CompareResourceVersion(other.ResourceVersion, session.ResourceVersion)
		if err != nil {
			return false, err
		}
		if now.Before(other.Spec.ExpiresAt.Time) && cmp.Or(order, cmp.Compare(other.UID, session.UID)) < 0 {
			before++
		}
	}
	return before < bound, nil
}

// full tells whether a subject has as many live sessions as a bound allows, where memory says so: it may
// not have heard yet of one that has ended. Past a limit of such questions it is believed.
func (s *Sessions) full(ctx context.Context, tenant keys.Tenant, owner Owner, bound int) (bool, error) {
	if bound <= 0 || !s.questions.allow(tenant.Namespace, s.clock.Now()) {
		return true, nil
	}
	all, err := s.objects.SessionsOfOwner(ctx, tenant.Namespace, owner, "")
	if err != nil {
		return false, err
	}
	now, live := s.clock.Now(), 0
	for _, session := range all {
		if now.Before(session.Spec.ExpiresAt.Time) {
			live++
		}
	}
	return live >= bound, nil
}
