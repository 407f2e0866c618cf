package issuing

import (
	"crypto/rand"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/keys/keystest"
	"github.com/grantkeeper/grantkeeper/internal/revision"
	"github.com/grantkeeper/grantkeeper/internal/store"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// TestThePollsOfAControllerEvictNothing looks for a JWT and for a reference token as the grant
// controller does, over and over, and at what is remembered.
func TestThePollsOfAControllerEvictNothing(t *testing.T) {
	t.Parallel()
	d := directory.New()
	ring := keystest.Ring(t, gen.Namespace, "https://auth.example.com")
	d.SetRing(gen.Namespace, ring, nil)
	s := New(Config{Directory: d, Sessions: store.NewSessions(d, nil, nil, clock.RealClock{})})
	now := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	terms := &Terms{Ask: revision.Ask{GrantID: gen.GrantID("nightly"), Epoch: 1, Format: revision.FormatReference}}
	access := &tokens.Access{
		Dialect: tokens.Wazo, Issuer: "https://auth.example.com", Subject: gen.Subject("alice"), ACL: []string{"#"},
		Audiences: []string{"https://auth.example.com"},
		ID:        gen.GrantID("token"), IssuedAt: now, NotBefore: now, ExpiresAt: now.Add(time.Hour),
		GrantID: terms.GrantID, Epoch: terms.Epoch,
	}
	for _, token := range []string{sealed(t, d, ring, terms, access), signed(t, ring, access)} {
		found, err := s.Found(t.Context(), ring, terms, token)
		if err != nil || found == nil {
			t.Fatalf("found %v, error %v", found, err)
		}
	}
	if lost, err := s.SessionLost(t.Context(), ring, terms, now); lost || err != nil {
		t.Errorf("lost %t, error %v", lost, err)
	}
	if held := s.checked.cache.Len(); held != 0 {
		t.Errorf("%d tokens are remembered, want none", held)
	}
}

// sealed is the reference token that terms have in the second of an access token, with its session.
func sealed(t *testing.T, d *directory.Directory, ring *keys.Ring, terms *Terms, a *tokens.Access) string {
	t.Helper()
	token := ring.ReferenceToken(terms.GrantID, terms.Epoch, a.IssuedAt, terms.Digest(a.IssuedAt))
	name, data, err := tokens.SealSession(rand.Reader, ring, token, a)
	if err != nil {
		t.Fatal(err)
	}
	session := &v1alpha1.AuthSession{Spec: v1alpha1.AuthSessionSpec{GrantID: a.GrantID, Sealed: data}}
	session.Namespace, session.Name, session.UID = gen.Namespace, name, "uid"
	d.Put(session)
	return token
}

func signed(t *testing.T, ring *keys.Ring, a *tokens.Access) string {
	t.Helper()
	key, err := ring.Signer(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	token, err := tokens.Sign(key, a)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
