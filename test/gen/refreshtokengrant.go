package gen

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// RefreshTokenGrant builds an active, applied grant of the client "billing" for the user "alice",
// without a target.
func RefreshTokenGrant(name string, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	return build(&v1alpha1.RefreshTokenGrant{
		ObjectMeta: meta(name),
		Spec: v1alpha1.RefreshTokenGrantSpec{
			ID:        GrantID(name),
			UserRef:   v1alpha1.UserReference{Name: "alice"},
			ClientRef: &v1alpha1.ClientReference{Name: "billing"},
			Epoch:     v1alpha1.FirstEpoch,
		},
	}, mods)
}

// ForUser makes it a grant for another user.
func ForUser(name string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.UserRef.Name = name }
}

// ForClient makes it a grant of another AuthClient.
func ForClient(name string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ClientRef.Name = name }
}

// ForWazo makes it a grant of an unregistered client of the wazo dialect.
func ForWazo(clientID string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ClientRef, g.Spec.ClientID = nil, clientID }
}

// GrantScopes sets what the grant's tokens carry.
func GrantScopes(scopes ...string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Scopes = scopes }
}

// GrantAudiences sets whom the grant's tokens are for.
func GrantAudiences(audiences ...string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Audiences = audiences }
}

// GrantState sets the grant's state.
func GrantState(state v1alpha1.GrantState) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.State = state }
}

// Epoch sets the grant's epoch.
func Epoch(epoch int64) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Epoch = epoch }
}

// GrantExpires ends the grant at a time, of which whole seconds count.
func GrantExpires(at time.Time) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.ExpiresAt = Time(at) }
}

// Target delivers the grant's tokens in a Secret.
func Target(secret string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) { g.Spec.Target = &v1alpha1.GrantTarget{Name: secret} }
}

// DeliversRefreshToken puts the refresh token, made with version 1 of the refresh key, into the
// grant's Secret; of the default name, where Target has not said another.
func DeliversRefreshToken() func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		if g.Spec.Target == nil {
			g.Spec.Target = &v1alpha1.GrantTarget{}
		}
		g.Spec.RefreshToken = &v1alpha1.GrantRefreshToken{
			Delivery: v1alpha1.RefreshTokenDeliverySecret, Generation: v1alpha1.FirstGeneration, KeyVersion: 1,
		}
	}
}

// FromLogin makes it the endpoint's own grant: made at a time, for the user who bears the grant's
// user name now, and with a refresh token. cv is the version of the password; empty: none.
func FromLogin(at time.Time, cv string) func(*v1alpha1.RefreshTokenGrant) {
	return func(g *v1alpha1.RefreshTokenGrant) {
		g.Labels = map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedByGrantkeeper}
		g.Spec.UserRef.Subject = Subject(g.Spec.UserRef.Name)
		g.Spec.RefreshToken = &v1alpha1.GrantRefreshToken{Generation: v1alpha1.FirstGeneration, KeyVersion: 1}
		g.Spec.Login = &v1alpha1.GrantLogin{AuthTime: metav1.NewTime(at), IssuedAt: metav1.NewTime(at), CV: cv}
	}
}
