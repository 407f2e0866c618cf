package issuing

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// made is when the grants below were, and rotated when their refresh token was last replaced.
var (
	made    = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	rotated = made.Add(time.Hour)
)

// rotating is a login's grant whose refresh token is of its fifth generation.
func rotating(mods ...func(*v1alpha1.RefreshTokenGrant)) *directory.Grant {
	fifth := func(g *v1alpha1.RefreshTokenGrant) {
		g.Spec.RefreshToken.Generation, g.Spec.RefreshToken.RotatedAt = 5, &metav1.Time{Time: rotated}
	}
	return &directory.Grant{RefreshTokenGrant: gen.RefreshTokenGrant("login",
		append([]func(*v1alpha1.RefreshTokenGrant){gen.FromLogin(made, ""), fifth}, mods...)...)}
}

func never(c *v1alpha1.AuthClientSpec)  { c.RefreshToken = nil }
func public(c *v1alpha1.AuthClientSpec) { c.Type, c.RefreshToken = v1alpha1.ClientTypePublic, nil }

func TestUsageOfARefreshToken(t *testing.T) {
	t.Parallel()
	grace := func(length v1alpha1.Duration) func(*v1alpha1.AuthClientSpec) {
		return func(c *v1alpha1.AuthClientSpec) { c.RefreshToken.GracePeriod = &length }
	}
	applied := func(g *v1alpha1.RefreshTokenGrant) { g.Labels = nil }
	unrotated := func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.RotatedAt = nil }
	tests := map[string]struct {
		presented int64
		client    func(*v1alpha1.AuthClientSpec) // absent: rotates, with a grace period of 30s
		grant     func(*v1alpha1.RefreshTokenGrant)
		later     time.Duration // after the last rotation
		want      usage
	}{
		"the current one is replaced":                                     {presented: 5, want: usageRotate},
		"the current one of a public client is replaced by default":       {presented: 5, client: public, want: usageRotate},
		"the current one of a confidential client stays by default":       {presented: 5, client: never, want: usageKeep},
		"that of an applied grant stays, whatever the client's policy is": {presented: 5, grant: applied, want: usageKeep},
		"the one before is answered again within the grace period":        {presented: 4, later: 29 * time.Second, want: usageRepeat},
		"the one before is stolen goods when the grace period is over":    {presented: 4, later: 30 * time.Second, want: usageReuse},
		"a client may have a shorter grace period":                        {presented: 4, client: grace("1s"), later: time.Second, want: usageReuse},
		"the one before that is stolen goods at once":                     {presented: 3, want: usageReuse},
		"where nobody knows when it was replaced there is no grace":       {presented: 4, grant: unrotated, want: usageReuse},
		"a later one than is known goes on from where it is":              {presented: 9, want: usageRotate},
		"an old one is refused where tokens no longer rotate":             {presented: 4, client: never, want: usageRefuse},
		"a later one is refused where tokens no longer rotate":            {presented: 6, client: never, want: usageRefuse},
		"another one than an applied grant's is refused":                  {presented: 4, grant: applied, want: usageRefuse},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := v1alpha1.AuthClientSpec{RefreshToken: &v1alpha1.ClientRefreshToken{Rotation: v1alpha1.RefreshTokenRotationAlways}}
			if tc.client != nil {
				tc.client(&client)
			}
			g := rotating()
			if tc.grant != nil {
				tc.grant(g.RefreshTokenGrant)
			}
			if got := usageOf(tc.presented, &client, g, rotated.Add(tc.later)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestRefreshTokenEnd(t *testing.T) {
	t.Parallel()
	const always = v1alpha1.RefreshTokenRotationAlways
	tests := map[string]struct {
		policy v1alpha1.ClientRefreshToken
		grant  func(*v1alpha1.RefreshTokenGrant)
		want   time.Time // zero: it does not end
	}{
		"without a policy it does not end":         {},
		"it ends so long after the login":          {policy: v1alpha1.ClientRefreshToken{MaxAge: new(v1alpha1.Duration("2h"))}, want: made.Add(2 * time.Hour)},
		"it ends when it has not been used":        {policy: v1alpha1.ClientRefreshToken{Rotation: always, IdleTimeout: new(v1alpha1.Duration("2h"))}, want: rotated.Add(2 * time.Hour)},
		"the first of the two ends counts":         {policy: v1alpha1.ClientRefreshToken{Rotation: always, IdleTimeout: new(v1alpha1.Duration("2h")), MaxAge: new(v1alpha1.Duration("2h"))}, want: made.Add(2 * time.Hour)},
		"use keeps it alive up to its age":         {policy: v1alpha1.ClientRefreshToken{Rotation: always, IdleTimeout: new(v1alpha1.Duration("1m")), MaxAge: new(v1alpha1.Duration("2h"))}, want: rotated.Add(time.Minute)},
		"one that was never used has its login":    {policy: v1alpha1.ClientRefreshToken{Rotation: always, IdleTimeout: new(v1alpha1.Duration("1m"))}, grant: func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.RotatedAt = nil }, want: made.Add(time.Minute)},
		"without rotation nothing tells idleness":  {policy: v1alpha1.ClientRefreshToken{IdleTimeout: new(v1alpha1.Duration("1m"))}},
		"an applied grant's has no end of its own": {policy: v1alpha1.ClientRefreshToken{MaxAge: new(v1alpha1.Duration("2h"))}, grant: func(g *v1alpha1.RefreshTokenGrant) { g.Labels = nil }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := rotating()
			if tc.grant != nil {
				tc.grant(g.RefreshTokenGrant)
			}
			client := v1alpha1.AuthClientSpec{RefreshToken: &tc.policy}
			if got := RefreshTokenEnd(&client, g); !got.Equal(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
