package passwords

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"k8s.io/utils/clock"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attempt   Attempt
		wantIndex int
		wantErr   error
	}{
		"the right password of a user":                     {alice(), 0, nil},
		"a wrong password":                                 {alice(password(wrong)), noMatch, ErrMismatch},
		"a login that nobody has":                          {alice(nobody), noMatch, ErrMismatch},
		"a user without a password":                        {alice(withoutPassword), noMatch, ErrMismatch},
		"the second of two current passwords":              {alice(materials("old", right)), 1, nil},
		"the first of two that are the same":               {alice(materials(right, right)), 0, nil},
		"none of two":                                      {alice(materials("old", "older")), noMatch, ErrMismatch},
		"a prefix of the password":                         {alice(password(right[:5])), noMatch, ErrMismatch},
		"the password and more":                            {alice(password(right + "x")), noMatch, ErrMismatch},
		"another case":                                     {alice(password(strings.ToUpper(right))), noMatch, ErrMismatch},
		"an empty password":                                {alice(password("")), noMatch, ErrMismatch},
		"an empty password of a user whose Secret is":      {alice(password(""), materials("")), noMatch, ErrMismatch},
		"an empty password where nobody has the login":     {alice(nobody, password("")), noMatch, ErrMismatch},
		"a password of a user with an empty one beside it": {alice(materials("", right)), 1, nil},
		"the zero material":                                {alice(func(a *Attempt) { a.Materials = make([]Material, 1) }), noMatch, ErrMismatch},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			for _, round := range []string{"first", "second"} {
				index, _, err := r.try(t, tc.attempt)
				if index != tc.wantIndex || !errors.Is(err, tc.wantErr) {
					t.Errorf("%s Verify() = %d, %v; want %d, %v", round, index, err, tc.wantIndex, tc.wantErr)
				}
			}
		})
	}
}

func TestEveryGuessCostsOneHash(t *testing.T) {
	t.Parallel()
	guesses := map[string]Attempt{
		"a user's wrong password":           alice(password(wrong)),
		"a user with two current passwords": alice(password(wrong), materials(right, "old")),
		"a user without a password":         alice(password(wrong), withoutPassword),
		"a login that nobody has":           alice(password(wrong), nobody),
		"an empty password":                 alice(password("")),
	}
	for name, attempt := range guesses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			for round := range 4 {
				if _, hashes, _ := r.try(t, attempt); hashes != 1 {
					t.Errorf("attempt %d took %d hashes, want 1", round+1, hashes)
				}
			}
		})
	}
	t.Run("a user's right password, the first time", func(t *testing.T) {
		t.Parallel()
		if _, hashes, _ := newRig(t, Options{}).try(t, alice()); hashes != 1 {
			t.Errorf("took %d hashes, want 1", hashes)
		}
	})
	t.Run("a wrong password after a right one", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, Options{})
		r.pass(t, alice())
		r.fail(t, 1, alice())
	})
}

func TestALoginThatNobodyHasIsComparedLikeAUser(t *testing.T) {
	t.Parallel()
	p := newRig(t, Options{}).process
	stranger, user := alice(nobody), alice()
	s, u := p.question(&stranger), p.question(&user)
	if len(s.materials) != len(u.materials) || len(s.proofs) != len(u.proofs) {
		t.Errorf("%d materials and %d proofs, want those of a user: %d and %d",
			len(s.materials), len(s.proofs), len(u.materials), len(u.proofs))
	}
	if other := newRig(t, Options{}).process; p.decoy.clear.Equal(other.decoy.clear) {
		t.Error("two processes have the same decoy")
	}
}

func TestTheHashIsArgon2id(t *testing.T) {
	t.Parallel()
	verifier, err := New(clock.RealClock{}, strings.NewReader(strings.Repeat("0123456789abcdef", 5)), Options{})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	// argon2id, version 19, m=19456, t=2, p=1, 32 bytes.
	const want = "d2ab07b39ef7f8b806227cd86fbb11aa5393066a98e17eacacd126eb26e9276d"
	if got := hex.EncodeToString(verifier.process.stretch([]byte("password"), []byte("0123456789abcdef"))); got != want {
		t.Errorf("stretch = %s, want %s", got, want)
	}
	if _, err := verifier.Verify(t.Context(), alice()); err != nil {
		t.Errorf("Verify() of a right password: %v", err)
	}
	if _, err := verifier.Verify(t.Context(), alice(password(wrong))); !errors.Is(err, ErrMismatch) {
		t.Errorf("Verify() of a wrong password: %v, want ErrMismatch", err)
	}
}

func TestAVerifiedPasswordIsRemembered(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after      time.Duration
		second     Attempt
		wantHashes int
	}{
		"the same attempt at once":                 {0, alice(), 0},
		"just before the time is over":             {5*time.Minute - 1, alice(), 0},
		"when the time is over":                    {5 * time.Minute, alice(), 1},
		"from another source":                      {0, alice(source("198.51.100.7")), 0},
		"by another login of the same user":        {0, alice(login("alice@example.com")), 0},
		"after a new password came beside it":      {0, alice(materials("new", right)), 0},
		"for a user of another tenant":             {0, alice(tenant("team-b")), 1},
		"for another user with the same password":  {0, alice(subject("another")), 1},
		"a wrong password":                         {0, alice(password(wrong)), 1},
		"the old password after it was changed":    {0, alice(materials("new")), 1},
		"the new password after it was changed":    {0, alice(materials("new"), password("new")), 1},
		"after the user's password was taken away": {0, alice(withoutPassword), 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.pass(t, alice())
			r.clock.Step(tc.after)
			if _, hashes, _ := r.try(t, tc.second); hashes != tc.wantHashes {
				t.Errorf("the second attempt took %d hashes, want %d", hashes, tc.wantHashes)
			}
		})
	}
}

func TestUsingTheCacheDoesNotProlongIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{CacheTTL: time.Minute})
	r.pass(t, alice())
	r.clock.Step(40 * time.Second)
	r.pass(t, alice())
	r.clock.Step(20 * time.Second)
	if _, hashes, _ := r.try(t, alice()); hashes != 1 {
		t.Errorf("a minute after the hash it took %d hashes, want 1", hashes)
	}
}

func TestAWrongPasswordIsNotRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.fail(t, 3, alice())
	r.fail(t, 1, alice(nobody))
	if got := r.cache.until.entries.Len(); got != 0 {
		t.Errorf("the cache holds %d entries, want none", got)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{CacheSize: 3, Records: 4})
	for i := range 20 {
		who := fmt.Sprintf("user-%d", i)
		r.fail(t, 1, alice(login(who), subject(who)))
		r.pass(t, alice(login(who), subject(who)))
		r.fail(t, 1, alice(login(who), subject(who), source("198.51.100.7")))
	}
	tables := map[string]struct{ got, want int }{
		"cache":    {r.cache.until.entries.Len(), 3},
		"origins":  {r.ledger.origins.entries.Len(), 4},
		"buckets":  {r.ledger.buckets.entries.Len(), 4},
		"familiar": {r.ledger.familiar.entries.Len(), 4},
	}
	for name, tc := range tables {
		if tc.got != tc.want {
			t.Errorf("table %s holds %d entries, want %d", name, tc.got, tc.want)
		}
	}
	if got := len(r.pool.lanes); got != 0 {
		t.Errorf("%d lanes are left, want none", got)
	}
}

func TestSuccessLeavesNoRecordOfFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.pass(t, alice())
	if origins, buckets := r.ledger.origins.entries.Len(), r.ledger.buckets.entries.Len(); origins != 0 || buckets != 0 {
		t.Errorf("%d origins and %d buckets are kept, want none", origins, buckets)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options Options
		random  error
		want    string
	}{
		"a cache that keeps passwords too long": {Options{CacheTTL: 5*time.Minute + 1}, nil, "remembered"},
		"a negative time":                       {Options{CacheTTL: -1}, nil, "remembered"},
		"negative workers":                      {Options{Workers: -1}, nil, "negative"},
		"negative workers of a tenant":          {Options{WorkersPerTenant: -1}, nil, "negative"},
		"a negative queue":                      {Options{QueuePerTenant: -1}, nil, "negative"},
		"a negative cache":                      {Options{CacheSize: -1}, nil, "negative"},
		"negative records":                      {Options{Records: -1}, nil, "negative"},
		"randomness that fails":                 {Options{}, errors.New("no entropy"), "no entropy"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := iotest.ErrReader(tc.random)
			if _, err := New(clock.RealClock{}, random, tc.options); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("New() = %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestNoErrorAndNoPrintHoldsASecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	attempt := alice(password(wrong))
	printed := fmt.Sprintf("%v %+v %#v %v", attempt, attempt, attempt.Materials, r.Verifier)
	for range 10 {
		_, _, err := r.try(t, attempt)
		printed += fmt.Sprintf(" %v %+v", err, err)
	}
	for _, secret := range []string{right, wrong, "canary"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q was printed: %s", secret, printed)
		}
	}
}

func TestPartsOfADigestAreFramed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	lists := [][]string{{"ab", "c"}, {"a", "bc"}, {"abc"}, {"abc", ""}, {"", "abc"}}
	seen := map[digest][]string{}
	for _, parts := range lists {
		d := r.process.digest("purpose", parts...)
		if other, ok := seen[d]; ok {
			t.Errorf("%q and %q have the same digest", parts, other)
		}
		seen[d] = parts
	}
	if r.process.digest("a", "b") == r.process.digest("b", "b") {
		t.Error("two purposes have the same digest")
	}
	if newRig(t, Options{}).process.digest("a", "b") == r.process.digest("a", "b") {
		t.Error("two processes have the same digest")
	}
}

func BenchmarkVerifyRemembered(b *testing.B) {
	verifier := newRig(b, Options{}).Verifier
	attempt := alice()
	if _, err := verifier.Verify(b.Context(), attempt); err != nil {
		b.Fatal(err)
	}
	b.Run("one after the other", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := verifier.Verify(b.Context(), attempt); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("in parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := verifier.Verify(b.Context(), attempt); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkVerifyHashed(b *testing.B) {
	verifier, err := New(clock.RealClock{}, strings.NewReader(strings.Repeat("x", 80)), Options{CacheTTL: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(b.Context(), alice()); err != nil {
			b.Fatal(err)
		}
	}
}

func TestVerifySecret(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		presented, current, previous string
		ok                           bool
	}{
		"the secret itself":                      {"s3cret", "s3cret", "", true},
		"the one before it":                      {"older", "s3cret", "older", true},
		"the secret itself beside another":       {"s3cret", "s3cret", "older", true},
		"another one":                            {"s3cre7", "s3cret", "older", false},
		"a prefix":                               {"s3cre", "s3cret", "", false},
		"nothing":                                {"", "s3cret", "", false},
		"nothing where no secret is set":         {"", "", "", false},
		"anything where no secret is":            {"x", "", "", false},
		"nothing where there is one before only": {"", "", "older", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := VerifySecret(sensitive.New(tc.presented), sensitive.New(tc.current), sensitive.New(tc.previous))
			if got != tc.ok {
				t.Errorf("VerifySecret() = %v, want %v", got, tc.ok)
			}
		})
	}
}
