package faults_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/stage"
)

// many is how many grants there are where their number is the fault.
const many = 1000

// settled is how long a restarted operator is watched for what it should not write.
const settled = 15 * time.Second

func TestARestartWithManyValidGrantsWritesNothing(t *testing.T) {
	t.Parallel()
	heavy.Lock()
	defer heavy.Unlock()
	s := newSite(t, "valid")
	s.populate(t, s.tenant())
	first := s.start(t)
	s.grants(t, s.tenant(), "grant", many, each())
	s.awaitAllReady(t, s.tenant(), many)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	before := secretsOf(t, s.tenant())

	proxy := stage.NewProxy(t, cp.Config)
	started := time.Now()
	s.start(t, through(proxy))
	ready := since(started)
	stage.AwaitTime(t, time.Now().Add(settled))

	reissued := 0
	for id, secret := range secretsOf(t, s.tenant()) {
		if before[id].ResourceVersion != secret.ResourceVersion {
			reissued++
		}
	}
	written := 0
	for what, n := range proxy.Requests() {
		if !isRead(what) && !strings.HasSuffix(what, " leases") {
			t.Logf("%d × %s", n, what)
			written += n
		}
	}
	if reissued != 0 || written != 0 || len(before) != many {
		t.Errorf("of %d tokens %d were issued again; %d writes", len(before), reissued, written)
	}
	s.seen.Check(t)
	figure(t, "restart: valid grants", many)
	figure(t, "restart: tokens issued again", reissued)
	figure(t, "restart: writes but those of the lease", written)
	figure(t, "restart: from start to ready", ready)
}

func isRead(what string) bool {
	verb, _, _ := strings.Cut(what, " ")
	return verb == "GET" || verb == "WATCH"
}

// The grants of TestWhatIsMostUrgentIsRenewedFirst, by how urgent they are when the operator is back:
// all are due, and their tokens have expired, expire within minutes, or are good for most of an hour.
var urgencies = []struct {
	name             string
	n                int
	ttl, renewBefore time.Duration
}{
	{"expired", many, time.Minute, 2 * time.Second},
	{"near", 100, 5 * time.Minute, 4 * time.Minute},
	{"far", 100, time.Hour, 59 * time.Minute},
}

// TestWhatIsMostUrgentIsRenewedFirst: the operator was away until a thousand tokens had expired and
// more were due. Sixteen grants are brought in at a time, so neighbours may change places.
func TestWhatIsMostUrgentIsRenewedFirst(t *testing.T) {
	t.Parallel()
	const tolerance = 64
	s := newSite(t, "expired")
	s.populate(t, s.tenant())
	class, before := s.neglect(t)

	heavy.Lock()
	defer heavy.Unlock()
	started := time.Now()
	s.start(t)
	var renewed map[string]*corev1.Secret
	poll(t, func(context.Context) error {
		renewed = secretsOf(t, s.tenant())
		n := 0
		for id, secret := range renewed {
			if secret.ResourceVersion != before[id].ResourceVersion {
				n++
			}
		}
		if n < len(before) {
			return fmt.Errorf("%d of %d tokens have been renewed", n, len(before))
		}
		return nil
	})
	took := since(started)
	s.awaitAllReady(t, s.tenant(), len(before))
	far := displaced(t, class, s.firstSince(t, before))
	figure(t, "expired: tokens, all valid again after", fmt.Sprintf("%d, %s", len(renewed), took))
	figure(t, "expired: places by which one was written out of the order of urgency (at most 64)", far)
	if far > tolerance {
		t.Errorf("a token was written %d places from its own in the order of urgency", far)
	}
}

// neglect brings in all grants, the least urgent first, and stops the operator until those that shall
// have expired have. It returns how urgent each is and its Secret, by the grant's id.
func (s *site) neglect(t *testing.T) (class map[string]int, before map[string]*corev1.Secret) {
	t.Helper()
	heavy.Lock()
	class = map[string]int{}
	o := s.start(t)
	for i, u := range slices.Backward(urgencies) {
		for _, g := range s.grants(t, s.tenant(), u.name, u.n, each(lifetime(u.ttl, u.renewBefore))) {
			class[g.Spec.ID] = i
		}
	}
	s.awaitAllReady(t, s.tenant(), len(class))
	err := o.Stop()
	heavy.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	before = secretsOf(t, s.tenant())
	last := time.Now().Add(time.Minute) // by then all are due
	for id, secret := range before {
		if class[id] == 0 {
			last = later(last, expiry(t, secret))
		}
	}
	stage.AwaitTime(t, last)
	return class, before
}

// firstSince lists grants by when each was renewed for the first time since.
func (s *site) firstSince(t *testing.T, before map[string]*corev1.Secret) []string {
	t.Helper()
	seen, at := s.seen.All(), map[string]time.Time{}
	for id, secret := range before {
		revision, err := strconv.Atoi(secret.Annotations[v1alpha1.AnnotationRevision])
		if err != nil {
			t.Fatal(err)
		}
		at[id] = seen[stage.Issue{GrantID: id, Revision: strconv.Itoa(revision + 1)}].SeenAt
	}
	return slices.SortedFunc(maps.Keys(at), func(a, b string) int { return at[a].Compare(at[b]) })
}

// displaced tells how far a token was written at most from its place in the order of urgency. Those
// that are as urgent share their places.
func displaced(t *testing.T, class map[string]int, ids []string) (farthest int) {
	t.Helper()
	for place, id := range ids {
		if place == 0 || class[id] != class[ids[place-1]] {
			t.Logf("from place %d on: %s", place, urgencies[class[id]].name)
		}
		first := 0
		for _, u := range urgencies[:class[id]] {
			first += u.n
		}
		last := first + urgencies[class[id]].n - 1
		farthest = max(farthest, first-place, place-last)
	}
	return farthest
}

func expiry(t *testing.T, secret *corev1.Secret) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationExpiresAt])
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// awaitAllReady waits until so many grants of a tenant are Ready.
func (s *site) awaitAllReady(t *testing.T, tenant string, want int) {
	t.Helper()
	poll(t, func(ctx context.Context) error {
		list := &v1alpha1.RefreshTokenGrantList{}
		if err := admin.List(ctx, list, client.InNamespace(tenant)); err != nil {
			return err
		}
		ready := 0
		for i := range list.Items {
			if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
				ready++
			}
		}
		if ready < want {
			return fmt.Errorf("%d of %d grants are Ready", ready, want)
		}
		return nil
	})
}

// poll is eventually for what costs much to look at.
func poll(t *testing.T, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, 2*stage.Patience, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if err != nil && (ctx.Err() == nil || last == nil) { // not the poll's own end, where there is better
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("not in time: %v", last)
	}
}
