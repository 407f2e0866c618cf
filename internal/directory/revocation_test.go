package directory_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// revocation is of a token that has expired at start, unless a modifier says otherwise.
func revocation(name string, mods ...func(*v1alpha1.TokenRevocation)) *v1alpha1.TokenRevocation {
	return gen.In(team, gen.TokenRevocation(gen.GrantID(name), start, mods...))
}

func TestWhichRevocationsCount(t *testing.T) {
	t.Parallel()
	ofSubject := gen.RevokedOf(subject)
	for name, tc := range map[string]struct {
		revocation *v1alpha1.TokenRevocation
		after      time.Duration
		ofSubject  int // how many of the subject's count
		ofTenant   int
		ofAway     int // how many of the tenant's that stem from the namespace "away"
	}{
		"a user's counts for user and tenant":         {revocation("a", ofSubject), 0, 1, 1, 0},
		"another user's counts for the tenant":        {revocation("a", gen.RevokedOf(other)), 0, 0, 1, 0},
		"one that names nobody counts for the tenant": {revocation("a"), 0, 0, 1, 0},
		"one that is kept past its token's expiry still counts": {
			revocation("a", ofSubject), directory.RevocationGrace - time.Second, 1, 1, 0,
		},
		"one that is due to be swept does not": {revocation("a", ofSubject), directory.RevocationGrace, 0, 0, 0},
		"one of a grant elsewhere counts for its namespace": {
			revocation("a", ofSubject, func(r *v1alpha1.TokenRevocation) { r.Spec.GrantNamespace = "away" }), 0, 0, 0, 1,
		},
		"one that shows a redeemed code does not": {
			revocation("a", ofSubject, func(r *v1alpha1.TokenRevocation) { r.Spec.Reason = v1alpha1.RevocationOfCode }), 0, 0, 0, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, rows := filled(tc.revocation)
			now := start.Add(tc.after)
			if got := len(rows.RevocationEnds(subject, "", now)); got != tc.ofSubject {
				t.Errorf("%d of the subject's count, want %d", got, tc.ofSubject)
			}
			for namespace, want := range map[string]int{"": tc.ofTenant, "away": tc.ofAway} {
				if hasRoom := rows.HasRoomForRevocation(1, namespace, now); hasRoom != (want == 0) {
					t.Errorf("from the grants of %q there is room: %t", namespace, hasRoom)
				}
			}
			d.Remove(tc.revocation)
			if len(rows.RevocationEnds(subject, "", now)) != 0 || !rows.HasRoomForRevocation(1, "", now) {
				t.Error("one that is gone counts")
			}
		})
	}
}

func TestWhenRevocationsStopToCount(t *testing.T) {
	t.Parallel()
	later := func(r *v1alpha1.TokenRevocation) { r.Spec.ExpiresAt = metav1.NewTime(start.Add(time.Hour)) }
	byClient := func(r *v1alpha1.TokenRevocation) { r.Spec.ClientID = "billing" }
	_, rows := filled(revocation("a", byClient), revocation("b", byClient, later), revocation("c", later))
	got := rows.RevocationEnds("billing", "", start)
	slices.SortFunc(got, time.Time.Compare)
	want := []time.Time{start.Add(directory.RevocationGrace), start.Add(directory.RevocationGrace + time.Hour)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ends (-want +got):\n%s", diff)
	}
}

func TestUntilWhenAllTokensHaveDied(t *testing.T) {
	t.Parallel()
	endingAll := func(owner func(*v1alpha1.TokenRevocation), until time.Time) func(*v1alpha1.TokenRevocation) {
		return func(r *v1alpha1.TokenRevocation) {
			owner(r)
			r.Spec.IssuedUntil = gen.Time(until)
		}
	}
	byClient := func(r *v1alpha1.TokenRevocation) { r.Spec.ClientID = "billing" }
	last := revocation("b", endingAll(gen.RevokedOf(subject), start.Add(time.Minute)))
	d, rows := filled(
		revocation("a", endingAll(gen.RevokedOf(subject), start)), last,
		revocation("c", endingAll(byClient, start.Add(time.Hour))), revocation("d", gen.RevokedOf(other)),
	)
	want := map[string]time.Time{subject: start.Add(time.Minute), "billing": start.Add(time.Hour), other: {}}
	for owner, end := range want {
		if got := rows.RevokedUntil(owner); !got.Equal(end) {
			t.Errorf("of %s all tokens have died until %s, want %s", owner, got, end)
		}
	}
	if got := len(rows.RevocationEnds(subject, "", start)); got != 2 {
		t.Errorf("%d of the subject's count, want both", got)
	}
	d.Remove(last)
	if got := rows.RevokedUntil(subject); !got.Equal(start) {
		t.Errorf("without the last one: %s", got)
	}
}
