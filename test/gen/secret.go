package gen

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// InputSecret builds a Secret that a person provides: labelled, with one key.
func InputSecret(name, key, value string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: meta(name), Data: map[string][]byte{key: []byte(value)}}
	s.Labels = map[string]string{v1alpha1.LabelCredential: v1alpha1.CredentialInput}
	return s
}

// PasswordSecret builds the Secret from which Password takes the user's password.
func PasswordSecret(user, password string) *corev1.Secret {
	return InputSecret(passwordSecret(user), v1alpha1.KeyPassword, password)
}

// ClientSecret builds the Secret from which an AuthClient takes its secret.
func ClientSecret(client, secret string) *corev1.Secret {
	return InputSecret(clientSecret(client), v1alpha1.KeyClientSecret, secret)
}

// TokenRevocation builds the early death of the token of an id.
func TokenRevocation(tokenID string, expiresAt time.Time, mods ...func(*v1alpha1.TokenRevocation)) *v1alpha1.TokenRevocation {
	return build(&v1alpha1.TokenRevocation{
		ObjectMeta: meta(tokenID),
		Spec:       v1alpha1.TokenRevocationSpec{ExpiresAt: metav1.NewTime(expiresAt)},
	}, mods)
}

// RevokedOf is the subject whose token it was.
func RevokedOf(subject string) func(*v1alpha1.TokenRevocation) {
	return func(r *v1alpha1.TokenRevocation) { r.Spec.Subject = subject }
}

func passwordSecret(user string) string { return user + "-password" }

func clientSecret(client string) string { return client + "-client" }
