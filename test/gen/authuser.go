package gen

import (
	"time"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// AuthUser builds an enabled user that has a subject, no password and no scopes.
func AuthUser(name string, mods ...func(*v1alpha1.AuthUser)) *v1alpha1.AuthUser {
	return build(&v1alpha1.AuthUser{
		ObjectMeta: meta(name),
		Spec:       v1alpha1.AuthUserSpec{Subject: Subject(name)},
	}, mods)
}

// Username gives the user a name to log in with that is not the object's.
func Username(username string) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.Username = username }
}

// Profile gives the user a name and a verified address.
func Profile(first, last, address string) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) {
		u.Spec.FirstName, u.Spec.LastName = first, last
		u.Spec.Emails = []v1alpha1.Email{{Address: address, Main: true, Verified: true}}
	}
}

// Password takes the user's password from the Secret that PasswordSecret builds for the same name.
func Password() func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) {
		u.Spec.Password = &v1alpha1.UserPassword{
			SecretRef: &v1alpha1.SecretKeyReference{Name: passwordSecret(u.Name), Key: v1alpha1.KeyPassword},
		}
	}
}

// PasswordHash takes the hash of the user's password from that same Secret.
func PasswordHash() func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) {
		u.Spec.Password = &v1alpha1.UserPassword{
			HashSecretRef: &v1alpha1.SecretKeyReference{Name: passwordSecret(u.Name), Key: v1alpha1.KeyPassword},
		}
	}
}

// GeneratedPassword lets the operator make the user's password, into a Secret of the same name, and
// replace it now and then; an empty period: never.
func GeneratedPassword(rotateEvery, overlap v1alpha1.Duration) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) {
		generate := &v1alpha1.GeneratedPassword{SecretName: passwordSecret(u.Name)}
		if rotateEvery != "" {
			generate.RotateEvery, generate.Overlap = &rotateEvery, &overlap
		}
		u.Spec.Password = &v1alpha1.UserPassword{Generate: generate}
	}
}

// UserScopes sets the patterns of what the user may be granted.
func UserScopes(patterns ...string) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.Scopes = patterns }
}

// Disabled disables the user.
func Disabled() func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.State = v1alpha1.UserStateDisabled }
}

// UserExpires ends the user at a time, of which whole seconds count.
func UserExpires(at time.Time) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.ExpiresAt = Time(at) }
}

// MaxGrants bounds the grants that the endpoint keeps for the user.
func MaxGrants(n int32) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.MaxGrants = &n }
}

// MaxSessions bounds the user's live reference tokens.
func MaxSessions(n int32) func(*v1alpha1.AuthUser) {
	return func(u *v1alpha1.AuthUser) { u.Spec.MaxSessions = &n }
}
