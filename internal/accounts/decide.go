package accounts

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

// Profile is what a user is, as far as HTTP says. An empty name is none.
type Profile struct {
	Username, FirstName, LastName string
	// Purpose may be empty, for a person.
	Purpose  v1alpha1.Purpose
	Disabled bool
}

// The longest texts, in characters and not in bytes: the API server counts them so.
const (
	longestUsername = 256
	longestName     = 128
	longestAddress  = 254
)

// check refuses what the API server would, and names the field.
func (p *Profile) check() error {
	if isLonger(p.Username, longestUsername) || strings.ContainsRune(p.Username, ':') || hasControl(p.Username) {
		return errInvalid(FieldUsername, "must have 1 to %d characters, and neither ':' nor control characters", longestUsername)
	}
	if err := checkName(FieldFirstName, p.FirstName); err != nil {
		return err
	}
	return checkName(FieldLastName, p.LastName)
}

func checkName(field Field, name string) error {
	if isLonger(name, longestName) || hasControl(name) {
		return errInvalid(field, "must have at most %d characters, and no control characters", longestName)
	}
	return nil
}

// checkAddress refuses what is no e-mail address; none is good too.
func checkAddress(address string) error {
	local, domain, _ := strings.Cut(address, "@")
	strange := func(r rune) bool { return r == '@' || r == ':' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if address != "" && (local == "" || domain == "" || isLonger(address, longestAddress) || strings.ContainsFunc(local+domain, strange)) {
		return errInvalid(FieldEmail, "must be an e-mail address of at most %d characters", longestAddress)
	}
	return nil
}

func isLonger(text string, most int) bool { return utf8.RuneCountInString(text) > most }

func hasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// apply lays a profile over a spec. What HTTP says nothing about stays: scopes, limits, e-mail addresses
// and the password are not part of it.
func (p *Profile) apply(spec *v1alpha1.AuthUserSpec) {
	spec.Username, spec.FirstName, spec.LastName, spec.Purpose = p.Username, p.FirstName, p.LastName, p.Purpose
	spec.State = ""
	if p.Disabled {
		spec.State = v1alpha1.UserStateDisabled
	}
}

// nameOf is what a new user is called: a digest of its login, so that creating it is the lock of the
// login. A further part keeps it apart from a user who has had that login and has another one now.
func nameOf(spec *v1alpha1.AuthUserSpec, further ...string) string {
	login := spec.Username
	if login == "" && len(spec.Emails) > 0 {
		login = spec.Emails[0].Address
	}
	if login == "" {
		login = spec.Subject
	}
	return keys.Name("http-user", append([]string{directory.FoldLogin(login)}, further...)...)
}

// claims are what only one user of a tenant may have, each with the field that it is of: usernames,
// e-mail addresses and subjects are one space here, so that no name reads like another user's uuid.
func claims(u *v1alpha1.AuthUser) map[string]Field {
	all := map[string]Field{directory.FoldLogin(u.EffectiveUsername()): FieldUsername}
	for _, email := range u.Spec.Emails {
		all[directory.FoldLogin(email.Address)] = FieldEmail
	}
	if u.Spec.Subject != "" {
		all[u.Spec.Subject] = FieldUUID
	}
	return all
}

// claimed are the fields of claims, in the order in which a conflict is told.
var claimed = []Field{FieldUsername, FieldEmail, FieldUUID}

// shared tells which field of a user's another one has, too.
func shared(u, other *v1alpha1.AuthUser) (Field, bool) {
	own, others := claims(u), claims(other)
	for _, field := range claimed {
		for claim, of := range own {
			if _, taken := others[claim]; taken && of == field {
				return field, true
			}
		}
	}
	return "", false
}

// isOurs tells whether a user, as the API server has it, is the endpoint's to change and delete: it was
// made over HTTP, and nobody applies it. The label alone says little, for whoever applies an object can
// set it; what applied it leaves its own mark.
func isOurs(live *v1alpha1.AuthUser) bool {
	if live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedByGrantkeeper {
		return false
	}
	if _, applied := live.Annotations[corev1.LastAppliedConfigAnnotation]; applied {
		return false
	}
	return !slices.ContainsFunc(live.ManagedFields, func(m metav1.ManagedFieldsEntry) bool {
		return m.Operation == metav1.ManagedFieldsOperationApply && m.Subresource == ""
	})
}

// passwordSecret names the Secret of a password over HTTP; empty where the password is elsewhere, or
// there is none.
func passwordSecret(spec *v1alpha1.AuthUserSpec) string {
	if spec.Password == nil || spec.Password.HashSecretRef == nil {
		return ""
	}
	return spec.Password.HashSecretRef.Name
}
