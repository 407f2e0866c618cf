package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func session(namespace, token string) *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: tokens.SessionName(token)},
		Spec: v1alpha1.AuthSessionSpec{
			Subject: gen.Subject("alice"), Username: "alice", ExpiresAt: metav1.NewTime(time.Now().Add(time.Hour)), Sealed: []byte("sealed " + token),
		},
	}
}

func TestASessionIsMadeOnceReadAndEnded(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	wanted := session(namespace, "a token")
	if err := s.CreateSession(t.Context(), wanted.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSession(t.Context(), wanted.DeepCopy()); !errors.Is(err, store.ErrExists) {
		t.Errorf("the second create: %v, want ErrExists", err)
	}
	found, err := s.Session(t.Context(), namespace, wanted.Name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted.Spec.Sealed, found.Spec.Sealed); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}
	for range 2 { // to end it again is no error
		if err := s.DeleteSession(t.Context(), namespace, wanted.Name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Session(t.Context(), namespace, wanted.Name); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after its end: %v, want ErrNotFound", err)
	}
}

func TestARevocationStandsHoweverOftenItIsMade(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	for range 2 {
		revocation := gen.In(namespace, gen.TokenRevocation(gen.GrantID("a token"), time.Now().Add(time.Hour)))
		if err := s.Revoke(t.Context(), revocation); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOfManyWhoMakeAGrantOfOneNameAllGetTheSame(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	const many = 8
	ids, created := make([]string, many), make([]bool, many)
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			wanted := gen.In(namespace, gen.RefreshTokenGrant("login", gen.FromLogin(time.Now(), "")))
			wanted.Spec.ID = gen.GrantID(string(rune('a' + i)))
			got, err := s.CreateGrant(t.Context(), wanted)
			if err != nil && !errors.Is(err, store.ErrExists) {
				t.Errorf("CreateGrant: %v", err)
				return
			}
			ids[i], created[i] = got.Spec.ID, err == nil
		})
	}
	group.Wait()
	winners := 0
	for i := range many {
		if ids[i] != ids[0] {
			t.Errorf("caller %d got %s, caller 0 %s", i, ids[i], ids[0])
		}
		if created[i] {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d callers made the grant, want 1", winners)
	}
}

func TestAGrantIsFoundByItsIDAndTheOldestWins(t *testing.T) {
	t.Parallel()
	c, namespace, elsewhere := connect(t), cp.Namespace(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	id := gen.GrantID("shared")
	sameID := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ID = id }
	for _, object := range []client.Object{
		gen.In(elsewhere, gen.RefreshTokenGrant("elsewhere", sameID)),
		gen.In(namespace, gen.RefreshTokenGrant("z-older", sameID)),
		gen.In(namespace, gen.RefreshTokenGrant("another")),
	} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	older, err := s.GrantByID(t.Context(), namespace, id)
	if err != nil || older.Name != "z-older" {
		t.Fatalf("found %v, %v", older, err)
	}
	awaitSecondAfter(t, older.CreationTimestamp.Time) // ages are whole seconds
	if err := c.Create(t.Context(), gen.In(namespace, gen.RefreshTokenGrant("a-younger", sameID))); err != nil {
		t.Fatal(err)
	}
	if found, err := s.GrantByID(t.Context(), namespace, id); err != nil || found.Name != "z-older" {
		t.Errorf("found %v, %v, want the older one", found, err)
	}
	if _, err := s.GrantByID(t.Context(), namespace, gen.GrantID("nobody")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of an unknown id: %v, want ErrNotFound", err)
	}
}

func TestTheEpochMovesOnceForEachWhoSawItStand(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	g := gen.In(namespace, gen.RefreshTokenGrant("grant", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Epoch = 0 }))
	if err := c.Create(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	moved, err := s.MoveEpoch(t.Context(), g)
	if err != nil || moved.Spec.Epoch != 2 {
		t.Fatalf("epoch %d, %v; want 2: absent means 1", moved.Spec.Epoch, err)
	}
	if g.Spec.Epoch != 0 {
		t.Error("the caller's grant was changed")
	}
	if _, err := s.MoveEpoch(t.Context(), g); !errors.Is(err, store.ErrConflict) {
		t.Errorf("by one who saw it stand before: %v, want ErrConflict", err)
	}
	if moved, err = s.MoveEpoch(t.Context(), moved); err != nil || moved.Spec.Epoch != 3 {
		t.Errorf("epoch %d, %v; want 3", moved.Spec.Epoch, err)
	}
}

func TestARefreshTokenRotatesOnceForEachWhoSawItStand(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	g := gen.In(namespace, gen.RefreshTokenGrant("grant", gen.FromLogin(time.Now(), "")))
	if err := c.Create(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Truncate(time.Second)
	rotated, err := s.Rotate(t.Context(), g, 2, at)
	if err != nil {
		t.Fatal(err)
	}
	if made := rotated.Spec.RefreshToken; made.Generation != 2 || !made.RotatedAt.Time.Equal(at) || made.KeyVersion != 1 {
		t.Errorf("rotated to %+v", made)
	}
	if _, err := s.Rotate(t.Context(), g, 2, at); !errors.Is(err, store.ErrConflict) {
		t.Errorf("by one who saw it stand before: %v, want ErrConflict", err)
	}
	if _, err := s.RevokeGrant(t.Context(), g); !errors.Is(err, store.ErrConflict) {
		t.Errorf("revoked by one who saw it stand before: %v, want ErrConflict", err)
	}
	if revoked, err := s.RevokeGrant(t.Context(), rotated); err != nil || revoked.Spec.State != v1alpha1.GrantStateRevoked {
		t.Errorf("state %s, %v; want Revoked", revoked.Spec.State, err)
	}
}

func TestAGrantThatWasMadeAnewIsNotDeletedForTheOldOne(t *testing.T) {
	t.Parallel()
	c, namespace := connect(t), cp.Namespace(t)
	s := store.NewKubernetes(c)
	old := gen.In(namespace, gen.RefreshTokenGrant("grant"))
	if err := c.Create(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for range 2 { // to delete it again is no error
		if err := s.DeleteGrant(t.Context(), old.DeepCopy()); err != nil {
			t.Fatal(err)
		}
	}
	young := gen.In(namespace, gen.RefreshTokenGrant("grant"))
	if err := c.Create(t.Context(), young); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteGrant(t.Context(), old); !errors.Is(err, store.ErrConflict) {
		t.Errorf("DeleteGrant: %v, want ErrConflict", err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(young), young); err != nil {
		t.Errorf("the younger grant: %v", err)
	}
}

func TestASilentAPIServerIsNotTakenForAnAnswer(t *testing.T) {
	t.Parallel()
	down := apierrors.NewServiceUnavailable("etcd has no leader")
	fail := func(context.Context, client.WithWatch) error { return down }
	s := store.NewKubernetes(interceptor.NewClient(connect(t), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
			return fail(ctx, c)
		},
		List: func(ctx context.Context, c client.WithWatch, _ client.ObjectList, _ ...client.ListOption) error {
			return fail(ctx, c)
		},
		Create: func(ctx context.Context, c client.WithWatch, _ client.Object, _ ...client.CreateOption) error {
			return fail(ctx, c)
		},
		Delete: func(ctx context.Context, c client.WithWatch, _ client.Object, _ ...client.DeleteOption) error {
			return fail(ctx, c)
		},
		Patch: func(ctx context.Context, c client.WithWatch, _ client.Object, _ client.Patch, _ ...client.PatchOption) error {
			return fail(ctx, c)
		},
	}))
	ctx, g := t.Context(), gen.RefreshTokenGrant("grant", gen.FromLogin(time.Now(), ""))
	for name, call := range map[string]func() error{
		"CreateSession": func() error { return s.CreateSession(ctx, session("team-a", "a token")) },
		"Session":       func() error { _, err := s.Session(ctx, "team-a", "x"); return err },
		"DeleteSession": func() error { return s.DeleteSession(ctx, "team-a", "x") },
		"Revoke":        func() error { return s.Revoke(ctx, gen.TokenRevocation("x", time.Now())) },
		"CreateGrant":   func() error { _, err := s.CreateGrant(ctx, g); return err },
		"GrantByID":     func() error { _, err := s.GrantByID(ctx, "team-a", "x"); return err },
		"MoveEpoch":     func() error { _, err := s.MoveEpoch(ctx, g); return err },
		"Rotate":        func() error { _, err := s.Rotate(ctx, g, 2, time.Now()); return err },
		"RevokeGrant":   func() error { _, err := s.RevokeGrant(ctx, g); return err },
		"DeleteGrant":   func() error { return s.DeleteGrant(ctx, g) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := call()
			if !errors.Is(err, error(down)) {
				t.Fatalf("got %v, want the API server's own error", err)
			}
			for _, known := range []error{store.ErrNotFound, store.ErrExists, store.ErrConflict} {
				if errors.Is(err, known) {
					t.Errorf("taken for %v", known)
				}
			}
			if strings.Contains(err.Error(), "a token") {
				t.Errorf("the error tells what was stored: %v", err)
			}
		})
	}
}
