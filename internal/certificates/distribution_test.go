package certificates

import (
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestWhoMayKeepACopyOfTheBundle(t *testing.T) {
	t.Parallel()
	const publishing, promotion = AuthorityLifetime / 3 * 2, AuthorityLifetime - ServingLifetime
	at := func(age time.Duration) time.Time { return birth.Add(age) }
	one := settle(t)
	two := settleAt(t, one, want, at(publishing))
	promoted := settleAt(t, settleAt(t, two, want, at(promotion-day)), want, at(promotion))
	stranger := settle(t)
	for name, tc := range map[string]struct {
		held         []byte
		distribution Distribution
		now          time.Time
		// wantFrom and wantTo are the span in which the copy is replaced; wantKeeps without them: never.
		wantKeeps        bool
		wantFrom, wantTo time.Time
	}{
		"whoever has none gets it at once":  {distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing)},
		"whoever has the wanted one has it": {held: two.Trusted(), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing)},
		"a copy without the next authority, after a restart too": {
			held: one.Trusted(), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing),
			wantKeeps: true, wantFrom: at(publishing), wantTo: at(publishing + want.Hold/2),
		},
		"not longer than half of the time until that one serves": {
			held: one.Trusted(), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing + want.Hold/2),
		},
		"a copy in another order, until something else changes": {
			held: two.Trusted(), distribution: Distribution{Wanted: promoted.Trusted()}, now: at(promotion), wantKeeps: true,
		},
		"not a copy without the authority that signs now": {
			held: one.Trusted(), distribution: Distribution{Wanted: promoted.Trusted(), Previous: one.Trusted(), Changed: at(promotion)}, now: at(promotion),
		},
		"a copy with an authority that is gone, while that is new": {
			held: two.Trusted(), distribution: Distribution{Wanted: two.Next.trusted(), Previous: two.Trusted(), Changed: at(promotion)}, now: at(promotion),
			wantKeeps: true, wantFrom: at(promotion), wantTo: at(promotion + want.Hold/2),
		},
		"not a copy with somebody else's authority in it": {
			held: slices.Concat(two.Trusted(), stranger.Trusted()), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing),
		},
		"not what is no bundle": {held: []byte("vandalized"), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing)},
		"not a copy with something behind it": {
			held: append(one.Trusted(), "more"...), distribution: Distribution{Wanted: two.Trusted()}, now: at(publishing),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.distribution.Hold = want.Hold
			until, keeps := tc.distribution.Keeps(tc.held, "a grant", tc.now)
			if keeps != tc.wantKeeps {
				t.Fatalf("keeps: %t until %s, want %t", keeps, until, tc.wantKeeps)
			}
			if keeps && (until.Before(tc.wantFrom) || !tc.wantTo.IsZero() && until.After(tc.wantTo)) {
				t.Errorf("until %s, want it between %s and %s", until, tc.wantFrom, tc.wantTo)
			}
			if keeps && tc.wantTo.IsZero() != until.IsZero() {
				t.Errorf("until %s", until)
			}
			tc.distribution.Hold = 0
			if _, keeps := tc.distribution.Keeps(tc.held, "a grant", tc.now); keeps {
				t.Error("it may be kept where nobody knows when the next authority serves")
			}
		})
	}
}

// trusted is the bundle of one authority alone.
func (p *Pair) trusted() []byte { return encodeCertificate(p.Certificate) }

func TestACopyIsReplacedBeforeTheNextAuthorityServesAndNotAllAtOnce(t *testing.T) {
	t.Parallel()
	one := settle(t)
	published := birth.Add(AuthorityLifetime - day) // so late that it serves as soon as it may
	two := settleAt(t, one, want, published)
	serves := promotionTime(two, want)
	d := Distribution{Wanted: two.Trusted(), Hold: want.Hold}
	hours := map[time.Duration]int{}
	for i := range 1000 {
		until, keeps := d.Keeps(one.Trusted(), strconv.Itoa(i), published)
		if !until.Before(serves) || !keeps && until.After(published) {
			t.Fatalf("copy %d: keeps %t until %s; the next authority serves at %s", i, keeps, until, serves)
		}
		hours[until.Sub(published).Truncate(time.Hour)]++
	}
	for hour, n := range hours {
		if n > 1000/int(want.Hold/2/time.Hour)*2 {
			t.Errorf("%d of 1000 in hour %s", n, hour)
		}
	}
}
