package directory

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Kinds of generated credentials; part of what their bytes are derived from.
const (
	userPassword = "AuthUser/password"
	clientSecret = "AuthClient/secret"
)

// clientSecretLength is as many base64url characters as 256 bits need.
const clientSecretLength = 43

// Password gives a user's current password. It is zero for a user without one, who cannot log in
// and has a good standing all the same.
func (t *Tenant) Password(u *User) (sensitive.String, Standing) {
	spec := u.Spec.Password
	switch {
	case spec == nil:
		return sensitive.String{}, Standing{}
	case spec.Generate != nil:
		return t.generated(spec.Generate.SecretName, u.Status.GeneratedAt, func(ring *keys.Ring, at time.Time) sensitive.String {
			return GeneratedPassword(ring, u.AuthUser, at)
		})
	default:
		return t.given("spec.password.secretRef", spec.SecretRef)
	}
}

// credentialVersion is a version and what it was derived from besides the user.
type credentialVersion struct {
	ring   *keys.Ring
	secret *corev1.Secret
	text   string
}

// CredentialVersion names a user's current password without telling it (the `cv` claim); false
// where there is none. It is asked for with every check of a token that stems from a login, and
// derived once for each password.
func (t *Tenant) CredentialVersion(u *User) (string, bool) {
	ring, err := t.Ring()
	if err != nil {
		return "", false
	}
	secret, _ := t.Secret(passwordSecretName(u.AuthUser))
	if held := u.version.Load(); held != nil && held.ring == ring && held.secret == secret {
		return held.text, true
	}
	password, standing := t.Password(u)
	if !standing.Good() || password.IsZero() {
		return "", false
	}
	text := ring.CredentialVersion(u.Subject(), []byte(password.Reveal()))
	u.version.Store(&credentialVersion{ring, secret, text})
	return text, true
}

// ClientSecret gives a client's current secret. It is zero for a client without one.
func (t *Tenant) ClientSecret(c *Client) (sensitive.String, Standing) {
	spec := c.Spec.Secret
	switch {
	case spec == nil:
		return sensitive.String{}, Standing{}
	case spec.Generate != nil:
		return t.generated(spec.Generate.SecretName, c.Status.GeneratedAt, func(ring *keys.Ring, at time.Time) sensitive.String {
			return GeneratedClientSecret(ring, c, at)
		})
	default:
		return t.given("spec.secret.secretRef", spec.SecretRef)
	}
}

// GeneratedPassword derives a user's generated password from the second it was made.
func GeneratedPassword(ring *keys.Ring, u *v1alpha1.AuthUser, at time.Time) sensitive.String {
	return ring.GeneratedCredential(userPassword, u.Spec.Subject, at, u.Spec.Password.Generate.EffectiveLength())
}

// GeneratedClientSecret derives a client's generated secret from the second it was made.
func GeneratedClientSecret(ring *keys.Ring, c *Client, at time.Time) sensitive.String {
	return ring.GeneratedCredential(clientSecret, c.EffectiveClientID(), at, clientSecretLength)
}

// GeneratedAt finds the second in which a generated credential was made: in status, or, where
// status was lost, in the Secret's annotation.
func GeneratedAt(status *metav1.Time, secret *corev1.Secret) (time.Time, bool) {
	if status != nil {
		return status.Time, true
	}
	if secret == nil {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, secret.Annotations[v1alpha1.AnnotationGeneratedAt])
	return at, err == nil
}

// generated takes the derived value, never the Secret's bytes: an edit of these is drift.
func (t *Tenant) generated(secretName string, status *metav1.Time, derive func(*keys.Ring, time.Time) sensitive.String) (sensitive.String, Standing) {
	secret, _ := t.Secret(secretName)
	at, ok := GeneratedAt(status, secret)
	if !ok {
		return sensitive.String{}, NewStanding(v1alpha1.ReasonPending, "the credential has not been generated yet")
	}
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return sensitive.String{}, standing
	}
	return derive(ring, at), Standing{}
}

// given reads a credential that a person provided. A token's Secret does not serve as one, so
// nobody can make a password out of a credential they may not read.
func (t *Tenant) given(field string, ref *v1alpha1.SecretKeyReference) (sensitive.String, Standing) {
	secret, ok := t.Secret(ref.Name)
	if !ok {
		return sensitive.String{}, NewStanding(v1alpha1.ReasonSecretNotFound,
			"%s: Secret %q does not exist or is not labelled: kubectl label secret -n %s %s %s=%s",
			field, ref.Name, t.namespace, ref.Name, v1alpha1.LabelCredential, v1alpha1.CredentialInput)
	}
	_, isGenerated := secret.Annotations[v1alpha1.AnnotationGeneratedAt]
	if secret.Labels[v1alpha1.LabelCredential] != v1alpha1.CredentialInput && !isGenerated {
		return sensitive.String{}, NewStanding(v1alpha1.ReasonSecretNotFound,
			"%s: Secret %q holds an issued token: only a Secret labelled %s=%s may be referred to",
			field, ref.Name, v1alpha1.LabelCredential, v1alpha1.CredentialInput)
	}
	value := secret.Data[ref.Key]
	if len(value) == 0 {
		return sensitive.String{}, NewStanding(v1alpha1.ReasonSecretInvalid, "%s: Secret %q has nothing under key %q", field, ref.Name, ref.Key)
	}
	return sensitive.New(string(value)), Standing{}
}

func passwordSecretName(u *v1alpha1.AuthUser) string {
	switch spec := u.Spec.Password; {
	case spec == nil:
		return ""
	case spec.Generate != nil:
		return spec.Generate.SecretName
	case spec.SecretRef != nil:
		return spec.SecretRef.Name
	}
	return ""
}

func clientSecretName(c *v1alpha1.AuthClient) string {
	switch spec := c.Spec.Secret; {
	case spec == nil:
		return ""
	case spec.Generate != nil:
		return spec.Generate.SecretName
	case spec.SecretRef != nil:
		return spec.SecretRef.Name
	}
	return ""
}
