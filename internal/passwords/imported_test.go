package passwords

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Hashes of the password right but where another one is said, each made by
// another implementation than the one that is tested: libargon2's own test
// vectors, libxcrypt, and Python's hashlib.
const (
	argon2OneLane  = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc" // of "password"
	argon2TwoLanes = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"   // of "password"
	bcrypt2b       = "$2b$05$abcdefghijklmnopqrstuueqLii8UMHX9QzOY1WpyWv2APgZs6CNy"
	bcryptLong     = "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S" // of longPassword
	wazoHash       = "$wazo-auth$250000$" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f$" +
		"090e2bc3d134b6cc6455223f3f783c0c0c2422a2022b68b44b96821ec2c6936eee650d8d1ef05f26064b404c1fd40ead0ee19d180cf2ca196266a4621240c79b"
	passlibHash = "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$" +
		"OquNHd8s7BwKx2za6E3BI7Ey0cJ.bAmpSnUqpZh.4YjlUaX3DN/mv.exxkyLe/gXJwSXAD/hL2MCBak42wezag"
)

// longPassword is longer than bcrypt looks at.
var longPassword = strings.Repeat("0123456789", 8)

func hashed(tb testing.TB, encoded string) Material {
	tb.Helper()
	m, err := Hashed(sensitive.New(encoded))
	if err != nil {
		tb.Fatalf("Hashed: %v", err)
	}
	return m
}

func TestImportedHashes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		encoded, presented string
		matches            bool
	}{
		"argon2id with one lane":                             {argon2OneLane, "password", true},
		"argon2id with two lanes":                            {argon2TwoLanes, "password", true},
		"argon2id of another password":                       {argon2TwoLanes, "Password", false},
		"bcrypt":                                             {bcrypt2b, right, true},
		"bcrypt by its name of before 2014":                  {strings.Replace(bcrypt2b, "2b", "2a", 1), right, true},
		"bcrypt by PHP's name":                               {strings.Replace(bcrypt2b, "2b", "2y", 1), right, true},
		"bcrypt of another password":                         {bcrypt2b, wrong, false},
		"bcrypt of a password of 80 bytes":                   {bcryptLong, longPassword, true},
		"bcrypt looks at the first 72 bytes":                 {bcryptLong, longPassword[:72] + "another end", true},
		"bcrypt looks at all of the first 72 bytes":          {bcryptLong, longPassword[:71], false},
		"bcrypt takes no password that repeats itself":       {bcrypt2b, right + "\x00" + right, false},
		"passlib's PBKDF2":                                   {passlibHash, right, true},
		"passlib's PBKDF2 of another password":               {passlibHash, wrong, false},
		"wazo-auth's":                                        {wazoHash, right, true},
		"wazo-auth's of another password":                    {wazoHash, wrong, false},
		"an empty password is none":                          {passlibHash, "", false},
		"the encoded hash is not the password that it is of": {passlibHash, passlibHash, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier := newRig(t, Options{}).Verifier
			verifier.process.verify = (*imported).matches
			attempt := alice(password(tc.presented))
			attempt.Materials = []Material{hashed(t, tc.encoded)}
			for _, round := range []string{"first", "second"} {
				index, err := verifier.Verify(t.Context(), attempt)
				if matches := err == nil && index == 0; matches != tc.matches || !matches && !errors.Is(err, ErrMismatch) {
					t.Errorf("%s Verify() = %d, %v; want a match: %t", round, index, err, tc.matches)
				}
			}
		})
	}
}

func TestWhatIsNoHash(t *testing.T) {
	t.Parallel()
	argon2 := func(costs string) string {
		return "$argon2id$v=19$" + costs + "$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
	}
	pbkdf2 := func(rounds string) string { return strings.Replace(passlibHash, "$1000$", "$"+rounds+"$", 1) }
	change := func(encoded, old, replacement string) string {
		changed := strings.Replace(encoded, old, replacement, 1)
		if changed == encoded {
			t.Fatalf("%q is not there", old)
		}
		return changed
	}
	tests := map[string]struct{ encoded, want string }{
		"nothing":                              {"", "not an encoded hash of a known kind"},
		"a password":                           {"canary-hunter2", "not an encoded hash of a known kind"},
		"a password full of dollars":           {"$canary$canary$canary", "not an encoded hash of a known kind"},
		"something before the first dollar":    {"canary" + bcrypt2b, "not an encoded hash of a known kind"},
		"argon2i":                              {change(argon2TwoLanes, "argon2id", "argon2i"), "not an encoded hash of a known kind"},
		"bcrypt with the bug of 2011":          {change(bcrypt2b, "2b", "2x"), "not an encoded hash of a known kind"},
		"PBKDF2 with SHA-256":                  {change(passlibHash, "sha512", "sha256"), "not an encoded hash of a known kind"},
		"a line break at the end":              {bcrypt2b + "\n", "a space, a line break"},
		"a line break in the base64":           {change(argon2TwoLanes, "c29t", "c2\n9t"), "a space, a line break"},
		"a letter that looks like another":     {change(bcrypt2b, "a", "а"), "a space, a line break"},
		"a very long text":                     {passlibHash + strings.Repeat("A", 512), "at most 512 bytes"},
		"argon2id above the memory":            {argon2("m=65537,t=1,p=1"), "argon2id: m is above 65536"},
		"argon2id with 2^40 KiB":               {argon2("m=1099511627776,t=1,p=1"), "argon2id: m is above 65536"},
		"argon2id above the passes":            {argon2("m=65536,t=6,p=1"), "argon2id: t is above 5"},
		"argon2id above the lanes":             {argon2("m=65536,t=1,p=9"), "argon2id: p is above 8"},
		"argon2id without a pass":              {argon2("m=65536,t=0,p=1"), "argon2id: t is below 1"},
		"argon2id without a lane":              {argon2("m=65536,t=1,p=0"), "argon2id: p is below 1"},
		"argon2id with less than 8 KiB a lane": {argon2("m=15,t=1,p=2"), "argon2id: m is less than 8 times p"},
		"argon2id with its costs in disorder":  {argon2("t=1,m=65536,p=1"), "argon2id: the costs are not m, t and p"},
		"argon2id with a key":                  {argon2("m=65536,t=1,p=1,keyid=canary"), "argon2id: the costs are not m, t and p"},
		"argon2id with a leading zero":         {argon2("m=065536,t=1,p=1"), "argon2id: m is not a number"},
		"argon2id with a sign":                 {argon2("m=+65536,t=1,p=1"), "argon2id: m is not a number"},
		"argon2id with words":                  {argon2("m=canary,t=1,p=1"), "argon2id: m is not a number"},
		"argon2id of the first version":        {change(argon2TwoLanes, "v=19", "v=16"), "argon2id: not of the form"},
		"argon2id without a version":           {change(argon2TwoLanes, "$v=19", ""), "argon2id: not of the form"},
		"argon2id with padding":                {argon2TwoLanes + "=", "argon2id: the hash is not base64"},
		"argon2id with bits that nobody reads": {change(argon2TwoLanes, "cDc", "cDd"), "argon2id: the hash is not base64"},
		"argon2id with a short salt":           {change(argon2TwoLanes, "c29tZXNhbHQ", "c29tZXNhbA"), "argon2id: the salt has fewer than 8"},
		"argon2id with a short hash":           {change(argon2TwoLanes, "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", "bQk8UB/VmZZF4Oo79iDX"), "argon2id: the hash has fewer than 16"},
		"argon2id with one part more":          {argon2TwoLanes + "$canary", "argon2id: not of the form"},
		"bcrypt above the cost":                {change(bcrypt2b, "$05$", "$15$"), "bcrypt: the cost is above 14"},
		"bcrypt below the cost":                {change(bcrypt2b, "$05$", "$03$"), "bcrypt: the cost is below 4"},
		"bcrypt with a cost of one digit":      {change(bcrypt2b, "$05$", "$5$"), "bcrypt: not of the form"},
		"bcrypt with words":                    {change(bcrypt2b, "$05$", "$xx$"), "bcrypt: the cost is not a number"},
		"bcrypt cut short":                     {bcrypt2b[:59], "bcrypt: salt and hash have not 53 characters"},
		"bcrypt and more":                      {bcrypt2b + "y", "bcrypt: salt and hash have not 53 characters"},
		"bcrypt in another alphabet":           {change(bcrypt2b, "abcd", "ab+d"), "bcrypt: the salt is not in"},
		"bcrypt that no program writes":        {bcrypt2b[:59] + "z", "bcrypt: the hash is not in"},
		"PBKDF2 above the iterations":          {pbkdf2("1000001"), "pbkdf2-sha512: the number of iterations is above 1000000"},
		"PBKDF2 without an iteration":          {pbkdf2("0"), "pbkdf2-sha512: the number of iterations is below 1"},
		"PBKDF2 with an exponent":              {pbkdf2("1e6"), "pbkdf2-sha512: the number of iterations is not a number"},
		"PBKDF2 in standard base64":            {change(passlibHash, "cJ.b", "cJ+b"), "pbkdf2-sha512: the hash is not passlib's base64"},
		"PBKDF2 cut short":                     {passlibHash[:len(passlibHash)-4], "pbkdf2-sha512: the hash has not 64 bytes"},
		"PBKDF2 with a short salt":             {change(passlibHash, "MDEyMzQ1Njc4OWFiY2RlZg", "MDEy"), "pbkdf2-sha512: the salt has fewer"},
		"wazo-auth's above the iterations":     {change(wazoHash, "250000", "1000001"), "wazo-auth: the number of iterations is above 1000000"},
		"wazo-auth's with the salt as text":    {change(wazoHash, `$0001`, `$\x00`), "wazo-auth: the salt is not hex in lower case"},
		"wazo-auth's in upper case":            {change(wazoHash, "0a0b", "0A0B"), "wazo-auth: the salt is not hex in lower case"},
		"wazo-auth's without salt":             {"$wazo-auth$250000$" + strings.Repeat("0", 128), "wazo-auth: not of the form"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Hashed(sensitive.New(tc.encoded))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Hashed() = %v, want an error with %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") || len(tc.encoded) > 40 && strings.Contains(err.Error(), tc.encoded[20:]) {
				t.Errorf("the error holds a part of the text: %v", err)
			}
		})
	}
}

func FuzzHashed(f *testing.F) {
	for _, encoded := range []string{argon2OneLane, argon2TwoLanes, bcrypt2b, passlibHash, wazoHash, "", "$", "$$$$$$", "$2b$04$", "$argon2id$v=19$m=8,t=1,p=1$$"} {
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		m, err := Hashed(sensitive.New(encoded))
		if err != nil {
			if len(encoded) > 80 && strings.Contains(err.Error(), encoded) {
				t.Errorf("the error holds the text")
			}
			return
		}
		s := m.Shape()
		switch within := s.scheme; {
		case within == argon2idScheme && s.memory <= 64*1024 && s.memory >= 8*uint32(s.lanes) && s.cost >= 1 && s.cost <= 5 && s.lanes >= 1 && s.lanes <= 8:
		case within == bcryptScheme && s.cost >= 4 && s.cost <= 14:
		case within == pbkdf2Scheme && s.cost >= 1 && s.cost <= 1_000_000:
		default:
			t.Errorf("%+v was let through", s)
		}
		if s.memory <= 1024 && s.cost <= 5 && m.imported.matches("a guess") {
			t.Error("a guess matches")
		}
	})
}

// shapes are one of each kind.
func shapes(tb testing.TB) map[string]Shape {
	tb.Helper()
	return map[string]Shape{
		"a password in clear": {},
		"argon2id":            hashed(tb, argon2TwoLanes).Shape(),
		"bcrypt":              hashed(tb, bcryptLong).Shape(),
		"PBKDF2":              hashed(tb, passlibHash).Shape(),
	}
}

func TestWhereThereIsNoPasswordTheWorkIsThatOfOne(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			decoy := r.process.decoyOf(shape)
			if got := decoy.Shape(); got != shape {
				t.Fatalf("the decoy's work is %+v, want %+v", got, shape)
			}
			// The work must be done, and not end early because the hash cannot be read.
			if m := decoy.imported; m != nil && m.encoded.Reveal() != "" && hashed(t, m.encoded.Reveal()).Shape() != shape {
				t.Error("the decoy's text has another shape")
			}
			if m := decoy.imported; m != nil && m.matches(right) {
				t.Error("something matches the decoy")
			}
			for range 3 {
				r.works.take()
				attempt := alice(nobody, password(wrong))
				attempt.Shape = shape
				if _, _, err := r.try(t, attempt); !errors.Is(err, ErrMismatch) {
					t.Fatalf("Verify: %v", err)
				}
				if works := r.works.take(); !slices.Equal(works, []Shape{shape}) {
					t.Errorf("the work was %+v, want once %+v", works, shape)
				}
			}
		})
	}
}

func TestAnImportedHashIsNotAPasswordThatReadsLikeIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.process.verify = (*imported).matches
	ofHash := alice()
	ofHash.Materials = []Material{hashed(t, passlibHash)}
	r.pass(t, ofHash) // and is remembered
	ofText := ofHash
	ofText.Materials = []Material{Clear(sensitive.New(passlibHash))}
	if _, err := r.Verify(t.Context(), ofText); !errors.Is(err, ErrMismatch) {
		t.Errorf("Verify: %v, want a mismatch", err)
	}
	ofText.Password = sensitive.New(passlibHash)
	r.pass(t, ofText)
}

func TestAnImportedHashIsRememberedAsAPasswordIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	attempt := alice()
	attempt.Materials = []Material{hashed(t, bcrypt2b)}
	r.verified = true
	r.pass(t, attempt)
	r.pass(t, attempt)
	if works := r.works.take(); len(works) != 1 {
		t.Errorf("%d hashes for two logins, want one", len(works))
	}
	attempt.Materials = []Material{hashed(t, strings.Replace(bcrypt2b, "2b", "2y", 1))}
	r.pass(t, attempt)
	if works := r.works.take(); len(works) != 1 {
		t.Errorf("%d hashes after the hash was changed, want one", len(works))
	}
}

func TestNoPrintHoldsAHash(t *testing.T) {
	t.Parallel()
	attempt := alice()
	attempt.Materials = []Material{hashed(t, passlibHash)}
	printed := fmt.Sprintf("%v %+v %#v %+v", attempt, attempt, attempt, attempt.Materials)
	for _, part := range strings.Split(passlibHash, "$")[3:] {
		if strings.Contains(printed, part) {
			t.Errorf("a part of the hash was printed: %s", printed)
		}
	}
}

func TestLargeHashesAreComputedOneAtATime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		encoded string
		want    int
	}{
		"64 MiB":          {argon2OneLane, 1},
		"several lanes":   {argon2TwoLanes, 1},
		"neither of them": {bcrypt2b, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var running atomic.Int64
				hold := make(chan struct{})
				r := newRig(t, Options{Workers: 4, WorkersPerTenant: 2})
				r.during = func() {
					running.Add(1)
					<-hold
				}
				var group sync.WaitGroup
				for i := range 3 {
					attempt := alice(nobody, tenant(fmt.Sprintf("team-%d", i)), password(wrong))
					attempt.Shape = hashed(t, tc.encoded).Shape()
					group.Go(func() { _, _ = r.Verify(t.Context(), attempt) })
				}
				synctest.Wait()
				if got := running.Load(); got != int64(tc.want) {
					t.Errorf("%d at a time, want %d", got, tc.want)
				}
				close(hold)
				group.Wait()
			})
		})
	}
}
