package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/metrics"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
	"github.com/grantkeeper/grantkeeper/test/redis"
)

// patience bounds every wait. Only a test that fails reaches it.
const patience = 30 * time.Second

var team = keys.Tenant{Namespace: gen.Namespace, UID: "b6a2ac70-ab4d-4b2c-8f0c-8a0c3c3c1f0e"}

var ample = store.Bounds{Subject: 100, Tenant: 1000}

// raw is a client that knows nothing of sessions.
func raw(t testing.TB, server *redis.Server) *goredis.Client {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: server.Address, Protocol: 2})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func living(name string, life time.Duration) *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: gen.Namespace, Name: name},
		Spec: v1alpha1.AuthSessionSpec{
			ID: gen.GrantID(name), Subject: gen.Subject("alice"), GrantID: gen.GrantID("nightly"),
			ExpiresAt: metav1.NewTime(time.Now().Add(life)), Sealed: []byte("sealed"),
		},
	}
}

// TestWhileTheServerIsAwayNothingIsKnown stops the server and starts it again.
func TestWhileTheServerIsAwayNothingIsKnown(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{})
	s := server.Sessions(t)
	registry := prometheus.NewRegistry()
	var err error
	if s.Metrics, err = metrics.NewSessionStore(registry); err != nil {
		t.Fatal(err)
	}
	made := living("made", time.Hour)
	calls := map[string]func(context.Context) error{
		"Room":     func(ctx context.Context) error { return s.Room(ctx, team, store.OwnerOf(made), ample) },
		"Create":   func(ctx context.Context) error { return s.Create(ctx, team, living("another", time.Hour), ample) },
		"Session":  func(ctx context.Context) error { _, err := s.Session(ctx, team, made.Name); return err },
		"Delete":   func(ctx context.Context) error { return s.Delete(ctx, team, "none") },
		"OfTenant": func(ctx context.Context) error { _, err := gen.Collect(s.OfTenant(ctx, team)); return err },
		"OfSubject": func(ctx context.Context) error {
			_, err := gen.Collect(s.OfSubject(ctx, team, made.Spec.Subject))
			return err
		},
		"OfGrant": func(ctx context.Context) error {
			_, err := gen.Collect(s.OfGrant(ctx, team, made.Spec.GrantID))
			return err
		},
		"ByID": func(ctx context.Context) error { _, err := s.ByID(ctx, team, made.Spec.ID); return err },
	}
	if err := s.Create(t.Context(), team, made, ample); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for name, call := range calls {
		err := call(t.Context())
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrSubjectFull) {
			t.Errorf("%s answers %v", name, err)
		}
	}
	if failed := failures(t, registry); failed != len(calls) {
		t.Errorf("%d failures are measured, want %d", failed, len(calls))
	}
	server.Restart(t)
	for name, call := range calls {
		controlplane.Eventually(t, patience, func(ctx context.Context) error {
			if err := call(ctx); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrExists) {
				return fmt.Errorf("%s after the server has come back: %w", name, err)
			}
			return nil
		})
	}
}

// failures counts the calls that were not answered.
func failures(t *testing.T, registry *prometheus.Registry) (failed int) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetValue() == "Failed" {
					failed += int(metric.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return failed
}

// TestWhatIsNoSessionOpensNever puts other things where sessions are. What comes back has no seal that
// a keyring opens, and whoever looks at it says so.
func TestWhatIsNoSessionOpensNever(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{})
	s, c := server.Sessions(t), raw(t, server)
	key := func(name string) string { return "grantkeeper:{" + team.UID + "}:session:" + name }
	err := errors.Join(
		c.Set(t.Context(), key("text"), "text", 0).Err(),
		c.Set(t.Context(), key("json"), `{"sealed": 7}`, 0).Err(),
		c.Set(t.Context(), key("empty"), "", 0).Err(),
		c.LPush(t.Context(), key("list"), "x").Err(),
		s.Create(t.Context(), team, living("good", time.Hour), ample),
		c.ZAdd(t.Context(), "grantkeeper:{"+team.UID+"}:all", goredis.Z{Score: 1e15, Member: "text"}, goredis.Z{Score: 1e15, Member: "list"},
			goredis.Z{Score: 1e15, Member: "gone"}).Err(),
	)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"text": "text", "json": `{"sealed": 7}`, "empty": "", "list": ""} {
		found, err := s.Session(t.Context(), team, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(v1alpha1.AuthSessionSpec{Sealed: []byte(want)}, found.Spec, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := s.Delete(t.Context(), team, name); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
		if _, err := s.Session(t.Context(), team, name); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s after it was deleted: %v", name, err)
		}
	}
	all, err := gen.Collect(s.OfTenant(t.Context(), team))
	if err != nil || len(all) != 1 || all[0].Name != "good" {
		t.Errorf("sessions %v, error %v, want the good one", all, err)
	}
}

// TestNothingIsLeftOfWhatHasEnded also has a session in a set outlive another.
func TestNothingIsLeftOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{})
	s, c := server.Sessions(t), raw(t, server)
	names := []string{"first", "second", "third"}
	for i, name := range names {
		if err := s.Create(t.Context(), team, living(name, time.Duration(i+1)*700*time.Millisecond), ample); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context(), team, names[1]); err != nil {
		t.Fatal(err)
	}
	controlplane.Eventually(t, patience, func(ctx context.Context) error {
		left, err := c.Keys(ctx, "*").Result()
		if err != nil || len(left) > 0 {
			return fmt.Errorf("left are %v, error %w", left, err)
		}
		return nil
	})
}

// TestAllKeysOfATenantAreInOneSlot is what a server that is a cluster asks of a script.
func TestAllKeysOfATenantAreInOneSlot(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, redis.Options{})
	s, c := server.Sessions(t), raw(t, server)
	made := living("made", time.Hour)
	made.Spec.Subject, made.Spec.ClientID = "", "a{b}:c" // what a client is called decides nothing
	if err := s.Create(t.Context(), team, made, ample); err != nil {
		t.Fatal(err)
	}
	held, err := c.Keys(t.Context(), "*").Result()
	if err != nil || len(held) != 7 {
		t.Fatalf("keys %v, error %v", held, err)
	}
	for _, key := range held {
		if !strings.HasPrefix(key, "grantkeeper:{"+team.UID+"}:") {
			t.Errorf("key %q", key)
		}
		if ttl, err := c.PTTL(t.Context(), key).Result(); ttl <= 0 || err != nil {
			t.Errorf("key %q expires in %s, error %v", key, ttl, err)
		}
	}
}

// TestManySessionsAreListed takes more than one call.
func TestManySessionsAreListed(t *testing.T) {
	t.Parallel()
	const many = 600
	server := redis.Start(t, redis.Options{})
	s := server.Sessions(t)
	for i := range many {
		if err := s.Create(t.Context(), team, living(fmt.Sprint(i), time.Hour), store.Bounds{Subject: many, Tenant: many}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := gen.Collect(s.OfGrant(t.Context(), team, gen.GrantID("nightly")))
	if len(all) != many || err != nil {
		t.Errorf("%d sessions, error %v", len(all), err)
	}
	if err := s.Create(t.Context(), team, living("one more", time.Hour), store.Bounds{Subject: many + 1, Tenant: many}); !errors.Is(err, store.ErrTenantFull) {
		t.Errorf("one more: %v, want ErrTenantFull", err)
	}
}
