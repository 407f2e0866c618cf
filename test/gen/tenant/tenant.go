package tenant

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// Start is what the clock of every tenant shows at first.
var Start = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// Forever is later than anything that a test is about.
var Forever = Start.AddDate(100, 0, 0)

// MaxJWTTTL is the longest life of a self-contained token here.
const MaxJWTTTL = 24 * time.Hour

// Tenant is one namespace's token service.
type Tenant struct {
	// Namespace is the tenant; Issuer is the iss of its tokens.
	Namespace, Issuer string
	// Ring is the keyring of package keystest.
	Ring      *keys.Ring
	Directory *directory.Directory
	Clock     *clocktesting.FakeClock
	Service   *issuing.Service
}

// Memory makes a tenant of the namespace gen.Namespace that has nothing but its directory. A
// request that needs the API server panics, so a test that passes has made none. Token ids are the
// same in every run.
func Memory(t testing.TB) *Tenant {
	t.Helper()
	return newTenant(t, gen.Namespace, &sequence{}, func(*issuing.Config) {})
}

func newTenant(t testing.TB, namespace string, random io.Reader, configure func(*issuing.Config)) *Tenant {
	t.Helper()
	x := &Tenant{
		Namespace: namespace,
		Issuer:    "https://auth.example.com/t/" + namespace,
		Directory: directory.New(),
		Clock:     clocktesting.NewFakeClock(Start),
	}
	x.Ring = keystest.Ring(t, namespace, x.Issuer)
	x.Directory.SetRing(namespace, x.Ring, nil)
	x.Directory.MarkRead(namespace, Forever)
	verifier, err := passwords.New(x.Clock, rand.Reader, passwords.Options{})
	if err != nil {
		t.Fatalf("prepare for passwords: %v", err)
	}
	config := issuing.Config{
		Directory: x.Directory,
		Passwords: verifier,
		Limits:    revision.Limits{MaxJWTTTL: MaxJWTTTL},
		// The default tenant speaks both dialects.
		DefaultTenant: namespace,
		Clock:         x.Clock,
		Rand:          random,
	}
	config.Sessions = store.NewSessions(config.Directory, nil, nil, config.Clock)
	configure(&config)
	x.Service = issuing.New(config)
	return x
}

// Put puts objects, moved to this tenant, into the directory, and nowhere else.
func (x *Tenant) Put(objects ...client.Object) {
	for _, object := range objects {
		x.Directory.Put(gen.In(x.Namespace, object))
	}
}

// Remove takes objects out of the directory.
func (x *Tenant) Remove(objects ...client.Object) {
	for _, object := range objects {
		x.Directory.Remove(gen.In(x.Namespace, object))
	}
}

// Rows are the tenant's part of the directory.
func (x *Tenant) Rows(t testing.TB) *directory.Tenant {
	t.Helper()
	rows, ok := x.Directory.Tenant(x.Namespace)
	if !ok {
		t.Fatalf("the directory has no tenant %q", x.Namespace)
	}
	return rows
}

// sequence gives bytes that look random and are the same in every run.
type sequence struct {
	mu    sync.Mutex
	count uint64
}

func (s *sequence) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for rest := p; len(rest) > 0; s.count++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint64(nil, s.count))
		rest = rest[copy(rest, block[:]):]
	}
	return len(p), nil
}
