package revision_test

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

// The digest decides whether every delivered token is issued anew after an
// upgrade: it may only change together with its version.
func TestDigestIsPinned(t *testing.T) {
	t.Parallel()
	a := ask(func(a *revision.Ask) {
		a.ACL = []string{"confd.#", "!confd.users.*.delete"}
		a.Profile = &revision.Profile{
			Name: "Alice Doe", GivenName: "Alice", FamilyName: "Doe",
			Email: "alice@example.com", EmailVerified: true,
		}
	})
	digest := a.Digest(epoch)
	const want = "fd96969d3ecced8f39e83b78d2ce7e42414c4ff7d633d305570f62651e088854"
	if got := hex.EncodeToString(digest[:]); got != want {
		t.Errorf("Digest = %s, want %s", got, want)
	}
}

// A field that is added to Ask or Profile and forgotten in Digest fails here.
func TestEveryFieldMovesTheDigest(t *testing.T) {
	t.Parallel()
	base := ask(func(a *revision.Ask) { a.Profile = &revision.Profile{} })
	before := base.Digest(epoch)
	for _, path := range fields(reflect.TypeFor[revision.Ask](), nil) {
		changed := ask(func(a *revision.Ask) { a.Profile = &revision.Profile{} })
		name := change(t, reflect.ValueOf(&changed).Elem(), path)
		if changed.Digest(epoch) == before {
			t.Errorf("%s does not move the digest", name)
		}
	}
	without := ask()
	if without.Digest(epoch) == before {
		t.Error("no profile and an empty one have the same digest")
	}
}

// fields lists the index paths of all leaves of a struct.
func fields(typ reflect.Type, path []int) [][]int {
	var paths [][]int
	for i := range typ.NumField() {
		at := append(append([]int(nil), path...), i)
		field := typ.Field(i).Type
		if field.Kind() == reflect.Pointer {
			paths = append(paths, fields(field.Elem(), at)...)
			continue
		}
		paths = append(paths, at)
	}
	return paths
}

func change(t *testing.T, value reflect.Value, path []int) string {
	t.Helper()
	name := ""
	for _, i := range path {
		value = reflect.Indirect(value)
		name += "." + value.Type().Field(i).Name
		value = value.Field(i)
	}
	switch v := value.Addr().Interface().(type) {
	case *time.Time:
		*v = after(time.Minute)
	case *time.Duration:
		*v += time.Second
	case *[]string:
		*v = append(*v, "more")
	case *int64:
		*v++
	case *bool:
		*v = !*v
	default:
		value.SetString(value.String() + "x")
	}
	return name
}

func TestDigestFramesItsParts(t *testing.T) {
	t.Parallel()
	pairs := map[string][2]revision.Ask{
		"a value does not run into the next": {
			ask(func(a *revision.Ask) { a.Subject, a.ClientID = "ab", "c" }),
			ask(func(a *revision.Ask) { a.Subject, a.ClientID = "a", "bc" }),
		},
		"an element does not move to the next list": {
			ask(func(a *revision.Ask) { a.Audiences, a.Scopes = []string{"x", "y"}, nil }),
			ask(func(a *revision.Ask) { a.Audiences, a.Scopes = []string{"x"}, []string{"y"} }),
		},
		"the order of a list counts": {
			ask(func(a *revision.Ask) { a.Scopes = []string{"x", "y"} }),
			ask(func(a *revision.Ask) { a.Scopes = []string{"y", "x"} }),
		},
	}
	for name, pair := range pairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if pair[0].Digest(epoch) == pair[1].Digest(epoch) {
				t.Error("the digests are equal")
			}
		})
	}
}

func TestDigestIgnoresWhatNoTokenShows(t *testing.T) {
	t.Parallel()
	plain := ask()
	same := map[string]revision.Ask{
		"an expiresAt past the token's life": ask(notAfter(after(2 * time.Hour))),
		"a fraction of a second":             ask(func(a *revision.Ask) { a.TTL += 900 * time.Millisecond }),
		"empty lists instead of none":        ask(func(a *revision.Ask) { a.ACL = []string{} }),
	}
	for name, other := range same {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if plain.Digest(epoch) != other.Digest(epoch) {
				t.Error("the digest moved")
			}
		})
	}
}

func TestExpiresAt(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		ask  revision.Ask
		want time.Time
	}{
		"without a bound it is the lifetime":        {ask(), after(time.Hour)},
		"a later bound changes nothing":             {ask(notAfter(after(2 * time.Hour))), after(time.Hour)},
		"an earlier bound cuts":                     {ask(notAfter(after(time.Minute))), after(time.Minute)},
		"a bound within a second is cut down to it": {ask(notAfter(after(90*time.Second + 5e8))), after(90 * time.Second)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.ask.ExpiresAt(epoch); !got.Equal(tc.want) {
				t.Errorf("ExpiresAt = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTokenTimes(t *testing.T) {
	t.Parallel()
	a := ask()
	token := issued(a, 1, epoch, currentKey)
	if got, want := token.NotBefore(), after(-time.Minute); !got.Equal(want) {
		t.Errorf("NotBefore = %s, want %s", got, want)
	}
	if token.Expired(after(time.Hour - 1)) {
		t.Error("a nanosecond before exp the token has expired")
	}
	if !token.Expired(after(time.Hour)) {
		t.Error("at exp the token has not expired")
	}
}
