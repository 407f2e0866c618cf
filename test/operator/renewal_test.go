package operator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

func TestATokenIsReplacedAtItsRenewalTimeAndTheOldOneStaysGood(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, first := s.issued(t, lifetime("30s", "27s"), format)
			due := g.Status.RenewalTime.Time
			second := awaitSecret(t, s.namespace, first.Name, hasRevision(2))
			if at := issuedAt(t, second); !at.Equal(due) {
				t.Errorf("revision 2 was issued at %s, want the renewal time of the first: %s", at, due)
			}
			if time.Now().Before(due) {
				t.Error("revision 2 is early")
			}
			if g.Spec.AccessToken.Format != v1alpha1.TokenFormatReference {
				if _, err := byGoJose(string(first.Data[v1alpha1.KeyAccessToken]), jwks(t, second)); err != nil {
					t.Errorf("the old token is not good any more: %v", err)
				}
			}
			third := awaitSecret(t, s.namespace, first.Name, hasRevision(3))
			if lead := issuedAt(t, third).Sub(issuedAt(t, second)); lead <= 0 || lead > 3*time.Second {
				t.Errorf("revision 3 was issued %s after revision 2", lead)
			}
		})
	}
}

func TestChangedInputsMakeANewRevision(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		grant  func(*v1alpha1.RefreshTokenGrant)
		client func(*v1alpha1.AuthClient)
		user   func(*v1alpha1.AuthUser)
	}{
		"the grant's scopes":     {grant: gen.GrantScopes("orders:write")},
		"the grant's ttl":        {grant: lifetime("2h", "20m")},
		"the grant's format":     {grant: formats["of a reference token"]},
		"the client's algorithm": {client: gen.SignedWith(v1alpha1.SigningAlgorithmRS256)},
		"the client's audiences": {client: gen.ClientAudiences("https://orders.example.com")},
		"the user's end":         {user: gen.UserExpires(time.Now().Add(30 * time.Minute))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g, before := s.issued(t)
			switch {
			case tc.grant != nil:
				edit(t, g, tc.grant)
			case tc.client != nil:
				edit(t, gen.In(s.namespace, s.client()), tc.client)
			default:
				edit(t, gen.In(s.namespace, s.user()), tc.user)
			}
			after := awaitSecret(t, s.namespace, before.Name, hasRevision(2))
			if string(after.Data[v1alpha1.KeyAccessToken]) == string(before.Data[v1alpha1.KeyAccessToken]) {
				t.Error("the token is the same")
			}
			awaitReady(t, g)
		})
	}
}

func TestWhatDoesNotChangeTheTokenMakesNoRevision(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t)
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.AccessToken = &v1alpha1.GrantAccessToken{RenewBefore: new(v1alpha1.Duration("30m"))}
	})
	awaitReady(t, g)
	edit(t, gen.In(s.namespace, s.user()), func(u *v1alpha1.AuthUser) { u.Spec.FirstName = "Alicia" })
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.RefreshToken = &v1alpha1.GrantRefreshToken{Delivery: v1alpha1.RefreshTokenDeliverySecret}
	})
	after := awaitSecret(t, s.namespace, before.Name, func(now *corev1.Secret) error {
		if len(now.Data[v1alpha1.KeyRefreshToken]) == 0 {
			return fmt.Errorf("the refresh token is not there yet")
		}
		return nil
	})
	awaitReady(t, g)
	if err := hasRevision(1)(after); err != nil {
		t.Error(err)
	}
	if string(after.Data[v1alpha1.KeyAccessToken]) != string(before.Data[v1alpha1.KeyAccessToken]) {
		t.Error("the token has changed")
	}
	earliest := before.CreationTimestamp.Add(26 * time.Minute)
	if at := g.Status.RenewalTime; at.Time.Before(earliest) || at.After(earliest.Add(5*time.Minute)) {
		t.Errorf("renewal at %s, want it to follow renewBefore", at)
	}
}

func TestATokenNeverOutlivesItsGrant(t *testing.T) {
	t.Parallel()
	s := newScene()
	end := time.Now().Add(8 * time.Second).Truncate(time.Second)
	g, secret := s.issued(t, gen.GrantExpires(end))
	if !g.Status.NotAfter.Time.Equal(end) || g.Status.RenewalTime != nil {
		t.Errorf("notAfter %s, renewalTime %v; want %s and none", g.Status.NotAfter, g.Status.RenewalTime, end)
	}
	await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionFalse, v1alpha1.ReasonFinal)
	seen.Excuse(g.Spec.ID) // its token may expire
	awaitRefused(t, g, v1alpha1.ReasonExpired)
	sameData(t, "after the end", secretOf(t, g), secret)
	edit(t, g, func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ExpiresAt = nil })
	awaitReady(t, g)
	if err := hasRevision(2)(secretOf(t, g)); err != nil {
		t.Error(err)
	}
}

func TestAGrantThatMayNotIssueSaysWhyAndHealsWhenItMay(t *testing.T) {
	t.Parallel()
	type obstacle struct {
		grant       func(*v1alpha1.RefreshTokenGrant)
		reason      string
		wantMessage string
		remedy      func(*v1alpha1.RefreshTokenGrant)
	}
	oneHour := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.AccessToken = nil }
	for name, tc := range map[string]obstacle{
		"a scope that neither allows": {
			grant: gen.GrantScopes("orders:read", "invoices:read"), reason: v1alpha1.ReasonScopeNotGranted,
			wantMessage: `"invoices:read"`, remedy: gen.GrantScopes("orders:read"),
		},
		"an audience that the client does not list": {
			grant: gen.GrantAudiences("https://other.example.com"), reason: v1alpha1.ReasonAudienceNotAllowed,
			wantMessage: "spec.audiences", remedy: gen.GrantAudiences(),
		},
		"a ttl below the floor": {
			grant: lifetime("9s", "3s"), reason: v1alpha1.ReasonBelowFloor, wantMessage: "accessToken.ttl is 9s", remedy: oneHour,
		},
		"a renewBefore below the floor": {
			grant: lifetime("20s", "1s"), reason: v1alpha1.ReasonBelowFloor, wantMessage: "accessToken.renewBefore is 1s", remedy: oneHour,
		},
		"a ttl above the ceiling": {
			grant: lifetime("25h", "1h"), reason: v1alpha1.ReasonAboveCeiling, wantMessage: "24h", remedy: oneHour,
		},
		"a suspended grant": {
			grant: gen.GrantState(v1alpha1.GrantStateSuspended), reason: v1alpha1.ReasonSuspended,
			wantMessage: "spec.state", remedy: gen.GrantState(v1alpha1.GrantStateActive),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			g := s.grant(tc.grant)
			s.apply(t, s.user(), s.client(), g)
			if message := awaitRefused(t, g, tc.reason); !strings.Contains(message, tc.wantMessage) {
				t.Errorf("the message is %q, want it to hold %q", message, tc.wantMessage)
			}
			await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionFalse, tc.reason)
			edit(t, g, tc.remedy)
			awaitReady(t, g)
			await(t, g, v1alpha1.ConditionIssuing, metav1.ConditionTrue, v1alpha1.ReasonScheduled)
		})
	}
}

func TestWhileTheUserIsDisabledTheSecretStaysAndIsNotRenewed(t *testing.T) {
	t.Parallel()
	s := newScene()
	g, before := s.issued(t, lifetime("13s", "10s"))
	user := gen.In(s.namespace, s.user())
	edit(t, user, gen.Disabled())
	awaitRefused(t, user, v1alpha1.ReasonDisabled)
	awaitRefused(t, g, v1alpha1.ReasonUserNotReady)
	stopped := secretOf(t, g)
	seen.Excuse(g.Spec.ID) // it expires before the user is back
	awaitTime(t, issuedAt(t, before).Add(13*time.Second))
	if now := secretOf(t, g); now.ResourceVersion != stopped.ResourceVersion {
		t.Error("the Secret was written while the user was disabled")
	}
	edit(t, user, func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateEnabled })
	awaitReady(t, user, g)
	after := secretOf(t, g)
	if age := time.Since(issuedAt(t, after)); age > 5*time.Second {
		t.Errorf("after the outage the token is %s old", age)
	}
}
