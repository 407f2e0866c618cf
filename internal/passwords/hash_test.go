package passwords

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

func TestANewHashIsReadLikeAnImportedOneAndCostsAsMuchAsEveryPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	first, err := r.Hash(t.Context(), "team-a", sensitive.New(right))
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Hash(t.Context(), "team-a", sensitive.New(right))
	if err != nil {
		t.Fatal(err)
	}
	if first.Equal(second) {
		t.Error("two hashes of one password have one salt")
	}
	material, err := Hashed(first)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Shape{scheme: argon2idScheme, cost: hashPasses, memory: hashKiB, lanes: hashLanes}); material.Shape() != want || material.Shape().isLarge() {
		t.Errorf("the shape is %+v, want %+v", material.Shape(), want)
	}
	if !material.imported.matches(right) || material.imported.matches(wrong) {
		t.Error("the hash is not that of the password")
	}
	if strings.Contains(first.Reveal(), right) {
		t.Error("the hash holds the password")
	}
}

type exhausted struct{}

func (exhausted) Read([]byte) (int, error) { return 0, errors.New("no randomness") }

func TestNoHashIsMadeWithoutASaltOrAWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.random = exhausted{}
	if _, err := r.Hash(t.Context(), "team-a", sensitive.New(right)); err == nil {
		t.Error("a hash without a salt")
	}
	r.random = rand.Reader
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Hash(ended, "team-a", sensitive.New(right)); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that has ended: %v", err)
	}
	full := newRig(t, Options{Workers: 1, WorkersPerTenant: 1, QueuePerTenant: 1})
	for range full.pool.places {
		if _, err := full.pool.enter("team-a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := full.Hash(t.Context(), "team-a", sensitive.New(right)); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a tenant whose queue is full: %v", err)
	}
}
