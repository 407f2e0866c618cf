package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/store"
)

// callTimeout bounds one call from its beginning, connecting included.
const callTimeout = time.Second

// chunk is how many sessions are read with one call.
const chunk = 256

var (
	//go:embed create.lua
	createSource string
	//go:embed room.lua
	roomSource string
	//go:embed members.lua
	membersSource string

	createScript  = redis.NewScript(createSource)
	roomScript    = redis.NewScript(roomSource)
	membersScript = redis.NewScript(membersSource)
)

// What the scripts answer.
const (
	created = iota
	nameTaken
	ownerFull
	shareFull
)

// Sessions keeps reference tokens in the server. All methods may be called at once from many goroutines.
// An error that is none of package store's means that nothing is known.
type Sessions struct {
	client *redis.Client
	clock  clock.PassiveClock
	// Metrics hears of every call. It is set before the first one, if at all.
	Metrics *metrics.SessionStore
}

// Close ends all connections.
func (s *Sessions) Close() error { return s.client.Close() }

// Room is store.ErrSubjectFull or store.ErrTenantFull where another session would be past its bounds.
func (s *Sessions) Room(ctx context.Context, tenant keys.Tenant, owner store.Owner, bounds store.Bounds) error {
	k := keysOf(tenant)
	return s.call(ctx, metrics.SessionRoom, func(ctx context.Context) error {
		full, err := roomScript.Run(ctx, s.client, []string{k.owner(owner), k.share(owner.GrantNamespace)}, bounds.Subject, bounds.Tenant).Int()
		if err != nil {
			return err
		}
		return refusalOf(full)
	})
}

// Create writes a session that ends by itself when its token does. store.ErrExists where its name is
// taken; store.ErrSubjectFull and store.ErrTenantFull where there is no room for it, which is exact: the
// server counts and writes in one step.
func (s *Sessions) Create(ctx context.Context, tenant keys.Tenant, session *v1alpha1.AuthSession, bounds store.Bounds) error {
	record, err := encode(session)
	if err != nil {
		return err
	}
	k := keysOf(tenant)
	all := append([]string{k.session(session.Name)}, k.sets(session)...)
	return s.call(ctx, metrics.SessionCreate, func(ctx context.Context) error {
		answer, err := createScript.Run(ctx, s.client, all,
			record, session.Spec.ExpiresAt.UnixMilli(), session.Name, bounds.Subject, bounds.Tenant).Int()
		if err != nil {
			return err
		}
		return refusalOf(answer)
	})
}

func refusalOf(answer int) error {
	switch answer {
	case created:
		return nil
	case nameTaken:
		return store.ErrExists
	case ownerFull:
		return store.ErrSubjectFull
	case shareFull:
		return store.ErrTenantFull
	}
	return fmt.Errorf("a script answered %d", answer)
}

// Session finds a session by its name; store.ErrNotFound where there is none.
func (s *Sessions) Session(ctx context.Context, tenant keys.Tenant, name string) (session *v1alpha1.AuthSession, err error) {
	err = s.call(ctx, metrics.SessionRead, func(ctx context.Context) error {
		record, err := s.client.Get(ctx, keysOf(tenant).session(name)).Bytes()
		switch {
		case errors.Is(err, redis.Nil):
			return store.ErrNotFound
		case err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE"): // that is none of ours
			return err
		}
		session = decode(tenant, name, record)
		return nil
	})
	return session, err
}

// Delete ends a session; it is no error where there is none.
func (s *Sessions) Delete(ctx context.Context, tenant keys.Tenant, name string) error {
	session, err := s.Session(ctx, tenant, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	k := keysOf(tenant)
	return s.call(ctx, metrics.SessionDelete, func(ctx context.Context) error {
		_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Del(ctx, k.session(name))
			for _, set := range k.sets(session) {
				p.ZRem(ctx, set, name)
			}
			return nil
		})
		return err
	})
}

// OfTenant lists the sessions of a tenant, in the order of their ends.
func (s *Sessions) OfTenant(ctx context.Context, tenant keys.Tenant) iter.Seq2[*v1alpha1.AuthSession, error] {
	return s.list(ctx, tenant, keysOf(tenant).all())
}

// OfSubject lists the sessions of a user's subject, or of a client that acts for itself.
func (s *Sessions) OfSubject(ctx context.Context, tenant keys.Tenant, subject string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return s.list(ctx, tenant, keysOf(tenant).subject(subject))
}

// OfGrant lists the sessions of a grant in the tenant's own namespace.
func (s *Sessions) OfGrant(ctx context.Context, tenant keys.Tenant, grantID string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return s.list(ctx, tenant, keysOf(tenant).grant(grantID))
}

// ByID lists the sessions that say that they have an id.
func (s *Sessions) ByID(ctx context.Context, tenant keys.Tenant, id string) (all []*v1alpha1.AuthSession, err error) {
	for session, err := range s.list(ctx, tenant, keysOf(tenant).id(id)) {
		if err != nil {
			return nil, err
		}
		all = append(all, session)
	}
	return all, nil
}

// list reads the members of a set, a chunk at a time. One whose session is gone is left out.
func (s *Sessions) list(ctx context.Context, tenant keys.Tenant, set string) iter.Seq2[*v1alpha1.AuthSession, error] {
	return func(yield func(*v1alpha1.AuthSession, error) bool) {
		var names []string
		err := s.call(ctx, metrics.SessionList, func(ctx context.Context) (err error) {
			names, err = membersScript.Run(ctx, s.client, []string{set}).StringSlice()
			return err
		})
		if err != nil {
			yield(nil, err)
			return
		}
		for some := range slices.Chunk(names, chunk) {
			sessions, err := s.read(ctx, tenant, some)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, session := range sessions {
				if !yield(session, nil) {
					return
				}
			}
		}
	}
}

// read reads the sessions of some names.
func (s *Sessions) read(ctx context.Context, tenant keys.Tenant, names []string) (read []*v1alpha1.AuthSession, err error) {
	k := keysOf(tenant)
	sessions := make([]string, len(names))
	for i, name := range names {
		sessions[i] = k.session(name)
	}
	err = s.call(ctx, metrics.SessionList, func(ctx context.Context) error {
		records, err := s.client.MGet(ctx, sessions...).Result()
		for i, record := range records {
			if text, ok := record.(string); ok {
				read = append(read, decode(tenant, names[i], []byte(text)))
			}
		}
		return err
	})
	return read, err
}

// call makes one bounded call and measures it. What it refuses is an answer, and no failure.
func (s *Sessions) call(ctx context.Context, operation metrics.SessionOperation, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	began := s.clock.Now()
	err := do(bounded)
	answered := err == nil || isAnswer(err)
	if answered || ctx.Err() == nil { // whoever asked may have left
		s.Metrics.Called(operation, answered, s.clock.Since(began))
	}
	if !answered {
		return fmt.Errorf("session store: %w", err)
	}
	return err
}

func isAnswer(err error) bool {
	for _, answer := range []error{store.ErrNotFound, store.ErrExists, store.ErrSubjectFull, store.ErrTenantFull} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
