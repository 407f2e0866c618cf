package certificates

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	const (
		publishing = AuthorityLifetime / 3 * 2
		promotion  = AuthorityLifetime - ServingLifetime
	)
	tests := map[string]struct {
		ages []time.Duration // when the bundle was settled; nil: there is none
		none bool
		want Wanted
		now  time.Duration
		step Action
	}{
		"without a bundle an authority is made":                            {none: true, step: CreateAuthority},
		"a new bundle is kept":                                             {step: Keep},
		"a serving certificate is kept up to two thirds of its life":       {now: 60*day - time.Second, step: Keep},
		"a serving certificate is renewed at two thirds of its life":       {now: 60 * day, step: IssueServing},
		"a serving certificate that has expired is replaced":               {now: 91 * day, step: IssueServing},
		"the order and the case of names do not matter":                    {want: Wanted{DNSNames: []string{"LOCALHOST", "grantkeeper.grantkeeper.svc", "localhost"}, Addresses: []netip.Addr{netip.MustParseAddr("::1"), netip.MustParseAddr("::ffff:127.0.0.1")}}, step: Keep},
		"another name needs another certificate":                           {want: Wanted{DNSNames: append([]string{"auth.example.com"}, want.DNSNames...), Addresses: want.Addresses}, step: IssueServing},
		"a name too many needs another certificate":                        {want: Wanted{DNSNames: want.DNSNames[:1], Addresses: want.Addresses}, step: IssueServing},
		"another address needs another certificate":                        {want: Wanted{DNSNames: want.DNSNames, Addresses: want.Addresses[:1]}, step: IssueServing},
		"a successor is published at two thirds of the authority's life":   {ages: []time.Duration{publishing - day}, now: publishing, step: PublishNext},
		"no successor is published before":                                 {ages: []time.Duration{publishing - day}, now: publishing - time.Second, step: Keep},
		"a successor does not sign while the authority can":                {ages: []time.Duration{publishing, promotion - day}, now: promotion - time.Second, step: Keep},
		"a successor signs when a certificate would outlive the authority": {ages: []time.Duration{publishing, promotion - day}, now: promotion, step: Promote},
		"a successor that is not yet known everywhere has to wait":         {ages: []time.Duration{promotion + day}, now: promotion + 2*day - time.Second, step: Keep},
		"a successor that is known everywhere need not wait longer":        {ages: []time.Duration{promotion + day}, now: promotion + 2*day, step: Promote},
		"a successor takes over at once from an authority that expired":    {ages: []time.Duration{AuthorityLifetime - time.Hour}, now: AuthorityLifetime + time.Second, step: Promote},
		"an authority that expired without a successor is replaced":        {now: AuthorityLifetime + time.Second, step: CreateAuthority},
		"authorities that both expired are replaced":                       {ages: []time.Duration{publishing}, now: publishing + AuthorityLifetime + time.Second, step: CreateAuthority},
		"a certificate that ends with its authority is not renewed":        {ages: []time.Duration{AuthorityLifetime - time.Hour}, now: AuthorityLifetime - time.Minute, step: Keep},
		"a retired authority stays while its last certificate is good":     {ages: []time.Duration{publishing, promotion - day, promotion, promotion + 60*day}, now: promotion + 89*day, step: Keep},
		"a retired authority goes when its last certificate has expired":   {ages: []time.Duration{publishing, promotion - day, promotion, promotion + 60*day}, now: promotion + 89*day + time.Second, step: DropRetired},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b *Bundle
			if !tc.none {
				b = settle(t, tc.ages...)
			}
			wanted := tc.want
			if wanted.isEmpty() {
				wanted = want
			}
			if diff := cmp.Diff(tc.step, Plan(b, wanted, birth.Add(tc.now)).Action); diff != "" {
				t.Errorf("Plan (-want +got):\n%s", diff)
			}
		})
	}
}

// TestYearsOfRotation walks from one due date to the next and looks at every instant as clients do:
// those who fetched the bundle just now and meet a replica that still serves what it served before,
// and those whose copy of the bundle is as old as a token may be.
func TestYearsOfRotation(t *testing.T) {
	t.Parallel()
	type published struct {
		at      time.Time
		trusted []byte
	}
	b, now := settle(t), birth
	history := []published{{now, b.Trusted()}}
	served := []*x509.Certificate{b.Serving.Certificate}
	authorities := 1

	for now.Before(birth.Add(4 * AuthorityLifetime)) {
		due := Due(b, want)
		if step := Plan(b, want, due.Add(-time.Second)); step.Action != Keep {
			t.Fatalf("at %s, a second before it is due: %s", due, step.Action)
		}
		if step := Plan(b, want, due); step.Action == Keep {
			t.Fatalf("at %s, when something is due: Keep", due)
		}
		now = due
		before := b
		b = settleAt(t, b, want, now)
		if b.Authority.Certificate != before.Authority.Certificate {
			authorities++
		}
		history = append(history, published{now, b.Trusted()})
		served = append(served, b.Serving.Certificate)

		for _, certificate := range served {
			if !hasExpired(certificate, now) {
				verify(t, certificate, b.Trusted(), now)
			}
		}
		for _, copied := range history {
			if next := now.Sub(copied.at); next <= want.Hold {
				verify(t, b.Serving.Certificate, copied.trusted, now)
			}
		}
		if expires := b.Serving.Certificate.NotAfter; expires.Sub(now) < ServingLifetime/4 {
			t.Errorf("at %s the serving certificate is good until %s only", now, expires)
		}
	}
	if authorities < 4 {
		t.Errorf("%d authorities in %s, so the walk did not see them change", authorities, now.Sub(birth))
	}
}

// TestSettleAfterAnOutage wakes up at odd times, in every state that a bundle can be in.
func TestSettleAfterAnOutage(t *testing.T) {
	t.Parallel()
	for asleep := 7 * day; asleep < 5*AuthorityLifetime; asleep = asleep * 5 / 4 {
		b, now := settle(t), birth
		for range 20 {
			now = now.Add(asleep)
			b = settleAt(t, b, want, now)
			verify(t, b.Serving.Certificate, b.Trusted(), now)
			if due := Due(b, want); !due.After(now) {
				t.Fatalf("asleep for %s: due at %s, which is not after %s", asleep, due, now)
			}
		}
	}
}

func TestACertificateNeverOutlivesItsAuthority(t *testing.T) {
	t.Parallel()
	b := settle(t, AuthorityLifetime-time.Hour)
	if ends := b.Authority.Certificate.NotAfter; !b.Serving.Certificate.NotAfter.Equal(ends) {
		t.Errorf("the certificate is good until %s, its authority until %s", b.Serving.Certificate.NotAfter, ends)
	}
}

func TestASuccessorWaitsForTheRetiredAuthorityToGo(t *testing.T) {
	t.Parallel()
	b := *settle(t, AuthorityLifetime/3*2, AuthorityLifetime-ServingLifetime-day)
	now := birth.Add(AuthorityLifetime - ServingLifetime)
	if step := Plan(&b, want, now); step.Action != Promote {
		t.Fatalf("without one: %s", step.Action)
	}
	b.Retired = &Retired{Authority: b.Authority.Certificate, LastServing: b.Serving.Certificate}
	if step := Plan(&b, want, now); step.Action != Keep {
		t.Errorf("with one: %s", step.Action)
	}
	if due, gone := Due(&b, want), b.Retired.LastServing.NotAfter.Add(time.Second); due.After(gone) || !due.After(now) {
		t.Errorf("due at %s, and the retired authority goes at %s", due, gone)
	}
}

func TestSettleKeepsWhatIsGood(t *testing.T) {
	t.Parallel()
	b := settle(t)
	again, done, err := Settle(rand.Reader, b, want, birth.Add(day))
	if err != nil || len(done) > 0 || again != b {
		t.Errorf("Settle = same bundle %t, steps %v, error %v", again == b, done, err)
	}
}

func TestSettleTellsWhatItDid(t *testing.T) {
	t.Parallel()
	_, done, err := Settle(rand.Reader, nil, want, birth)
	if err != nil {
		t.Fatal(err)
	}
	wantDone := []Step{
		{CreateAuthority, "there is none yet"},
		{IssueServing, "the authority has signed none yet"},
	}
	if diff := cmp.Diff(wantDone, done); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestSettleFails(t *testing.T) {
	t.Parallel()
	if _, _, err := Settle(rand.Reader, nil, Wanted{}, birth); !errors.Is(err, errNoNames) {
		t.Errorf("without names: %v", err)
	}
	if _, _, err := Settle(io.LimitReader(rand.Reader, 8), nil, want, birth); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without randomness: %v", err)
	}
	if _, _, err := Settle(rand.Reader, nil, Wanted{DNSNames: []string{"grönt.example"}}, birth); err == nil {
		t.Error("a name that no certificate can hold was accepted")
	}
}
