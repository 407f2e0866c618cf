package directory

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/passwords"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Password is one password with which a user can log in.
type Password struct {
	Material passwords.Material
	// Version names the password without telling it (the `cv` claim).
	Version string
	// Until is when it ends, for one that has been replaced; zero for the current one.
	Until time.Time
}

// heldPasswords is what was read for one keyring and one state of the Secret.
type heldPasswords struct {
	ring     *keys.Ring
	secret   *corev1.Secret
	all      []Password
	standing Standing
}

// Passwords gives the passwords with which a user can log in at a moment: the current one and,
// while it is good too, the one before. There is none for a user without a password, who has a good
// standing all the same, and for one whose password is not to be had, which the standing tells. It
// is asked for with every check of a token that stems from a login, and read once for each change.
func (t *Tenant) Passwords(u *User, now time.Time) ([]Password, Standing) {
	held := t.passwords(u)
	if count := len(held.all); count > 1 && !now.Before(held.all[count-1].Until) {
		return held.all[:count-1], held.standing
	}
	return held.all, held.standing
}

// CredentialVersion names a user's current password; false where there is none to be had.
func (t *Tenant) CredentialVersion(u *User) (string, bool) {
	held := t.passwords(u)
	if len(held.all) == 0 {
		return "", false
	}
	return held.all[0].Version, true
}

// PasswordOf finds the password that a credential version names, if it is good at a moment.
func (t *Tenant) PasswordOf(u *User, version string, now time.Time) (Password, bool) {
	good, _ := t.Passwords(u, now)
	for i := range good {
		if good[i].Version == version {
			return good[i], true
		}
	}
	return Password{}, false
}

func (t *Tenant) passwords(u *User) *heldPasswords {
	if u.Spec.Password == nil {
		return &noPasswords
	}
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return &heldPasswords{standing: standing}
	}
	secret, _ := t.Secret(passwordSecretName(u.AuthUser))
	if held := u.passwords.Load(); held != nil && held.ring == ring && held.secret == secret {
		return held
	}
	held := &heldPasswords{ring: ring, secret: secret}
	held.all, held.standing = u.read(ring, secret)
	u.passwords.Store(held)
	return held
}

var noPasswords heldPasswords

// read finds what counts, whatever the time is.
func (u *User) read(ring *keys.Ring, secret *corev1.Secret) ([]Password, Standing) {
	spec := u.Spec.Password
	switch {
	case spec.Generate != nil:
		values, standing := u.generated.read(ring, secret)
		all := make([]Password, len(values))
		for i, value := range values {
			all[i] = u.inClear(ring, value.text)
			all[i].Until = value.until
		}
		return all, standing
	case spec.HashSecretRef != nil:
		return u.hashed(ring, secret)
	default:
		text, standing := given(u.Namespace, "spec.password.secretRef", spec.SecretRef, secret)
		if !standing.Good() {
			return nil, standing
		}
		return []Password{u.inClear(ring, text)}, Standing{}
	}
}

func (u *User) inClear(ring *keys.Ring, text sensitive.String) Password {
	return Password{Material: passwords.Clear(text), Version: ring.CredentialVersion(u.Subject(), []byte(text.Reveal()))}
}

func (u *User) hashed(ring *keys.Ring, secret *corev1.Secret) ([]Password, Standing) {
	encoded, material, standing := importedHash(u.AuthUser, secret)
	if !standing.Good() {
		return nil, standing
	}
	return []Password{{Material: material, Version: ring.HashVersion(u.Subject(), []byte(encoded.Reveal()))}}, Standing{}
}

// importedHash reads the hash of hashSecretRef.
func importedHash(u *v1alpha1.AuthUser, secret *corev1.Secret) (encoded sensitive.String, material passwords.Material, standing Standing) {
	const field = "spec.password.hashSecretRef"
	ref := u.Spec.Password.HashSecretRef
	encoded, standing = given(u.Namespace, field, ref, secret)
	if !standing.Good() {
		return encoded, material, standing
	}
	material, err := passwords.Hashed(encoded)
	if err != nil {
		standing = NewStanding(v1alpha1.ReasonSecretInvalid, "%s: Secret %q, key %q: %v", field, ref.Name, ref.Key, err)
	}
	return encoded, material, standing
}

// heldSecrets is what was read for one keyring and one state of the Secret.
type heldSecrets struct {
	ring     *keys.Ring
	secret   *corev1.Secret
	all      []counting
	standing Standing
}

// ClientSecrets gives a client's current secret and, while it is good too, the one before. Both are
// zero for a client without a secret, which has a good standing all the same, and for one whose
// secret is not to be had, which the standing tells.
func (t *Tenant) ClientSecrets(c *Client, now time.Time) (current, previous sensitive.String, standing Standing) {
	if c.Spec.Secret == nil {
		return current, previous, Standing{}
	}
	ring, standing := t.RingStanding()
	if !standing.Good() {
		return current, previous, standing
	}
	secret, _ := t.Secret(clientSecretName(c.AuthClient))
	held := c.secrets.Load()
	if held == nil || held.ring != ring || held.secret != secret {
		held = &heldSecrets{ring: ring, secret: secret}
		held.all, held.standing = c.read(ring, secret)
		c.secrets.Store(held)
	}
	if len(held.all) > 0 {
		current = held.all[0].text
	}
	if len(held.all) > 1 && now.Before(held.all[1].until) {
		previous = held.all[1].text
	}
	return current, previous, held.standing
}

func (c *Client) read(ring *keys.Ring, secret *corev1.Secret) ([]counting, Standing) {
	if c.generated != nil {
		return c.generated.read(ring, secret)
	}
	text, standing := given(c.Namespace, "spec.secret.secretRef", c.Spec.Secret.SecretRef, secret)
	if !standing.Good() {
		return nil, standing
	}
	return []counting{{text: text}}, Standing{}
}

// given reads a credential that a person provided. A token's Secret does not serve as one, so
// nobody can make a password out of a credential they may not read.
func given(namespace, field string, ref *v1alpha1.SecretKeyReference, secret *corev1.Secret) (sensitive.String, Standing) {
	if secret == nil {
		return sensitive.String{}, NewStanding(v1alpha1.ReasonSecretNotFound,
			"%s: Secret %q does not exist or is not labelled: kubectl label secret -n %s %s %s=%s",
			field, ref.Name, namespace, ref.Name, v1alpha1.LabelCredential, v1alpha1.CredentialInput)
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
	case spec.HashSecretRef != nil:
		return spec.HashSecretRef.Name
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
