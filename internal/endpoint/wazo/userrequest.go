package wazo

import (
	"net/http"
	"slices"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/accounts"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// errInvalidData is the error of a member of a user that cannot be one. It holds nothing of what was sent.
func errInvalidData(name, text string) *problem {
	p := &problem{status: http.StatusBadRequest, text: text, resource: "users"}
	if name != "" {
		p.text, p.details = name+": "+text, map[string]constraint{name: {Message: text}}
	}
	return p
}

// parseNewUser reads the body of POST users. All members are optional.
func parseNewUser(m members) (*accounts.NewUser, error) {
	profile, err := parseProfile(m)
	if err != nil {
		return nil, err
	}
	wanted := &accounts.NewUser{Profile: *profile}
	if id, given, err := m.word("uuid"); err != nil {
		return nil, err
	} else if given {
		var ok bool
		if wanted.Subject, ok = parseUUID(id); !ok {
			return nil, errInvalidData("uuid", "must be a UUID")
		}
	}
	if wanted.Email, err = m.name("email_address", false); err != nil {
		return nil, err
	}
	password, err := m.name("password", false)
	wanted.Password = sensitive.New(password)
	return wanted, err
}

// parseProfile reads what POST and PUT have in common.
func parseProfile(m members) (p *accounts.Profile, err error) {
	p = &accounts.Profile{}
	if p.Username, err = m.name("username", false); err != nil {
		return nil, err
	}
	if p.FirstName, err = m.name("firstname", true); err != nil {
		return nil, err
	}
	if p.LastName, err = m.name("lastname", true); err != nil {
		return nil, err
	}
	if p.Purpose, err = m.purpose(); err != nil {
		return nil, err
	}
	enabled, err := m.enabled()
	p.Disabled = !enabled
	if err != nil {
		return nil, err
	}
	method, given, err := m.word("authentication_method")
	if err == nil && given && method != oneMethod && method != "native" {
		err = errInvalidData("authentication_method", "must be default or native")
	}
	return p, err
}

// parsePasswords reads the body of PUT users/{user_uuid}/password.
func parsePasswords(m members) (old, wanted sensitive.String, err error) {
	var texts [2]sensitive.String
	for i, name := range []string{"old_password", "new_password"} {
		text, given, err := m.word(name)
		switch {
		case err != nil:
			return old, wanted, err
		case !given:
			return old, wanted, errInvalidData(name, "is required")
		case text == "":
			return old, wanted, errInvalidData(name, "must have at least one character")
		}
		texts[i] = sensitive.New(text)
	}
	return texts[0], texts[1], nil
}

// word is text with the error of these routes.
func (m members) word(name string) (value string, given bool, err error) {
	value, given, err = m.text(name)
	if err != nil {
		return "", given, errInvalidData(name, "must be a string")
	}
	return value, given, nil
}

// name reads a member that may be left out, and null says that it is.
func (m members) name(name string, mayBeEmpty bool) (string, error) {
	if string(m[name]) == "null" {
		return "", nil
	}
	value, given, err := m.word(name)
	if err == nil && given && value == "" && !mayBeEmpty {
		err = errInvalidData(name, "must have at least one character")
	}
	return value, err
}

func (m members) purpose() (v1alpha1.Purpose, error) {
	word, given, err := m.word("purpose")
	if err != nil || !given {
		return "", err
	}
	for purpose, known := range purposes {
		if known == word && purpose == v1alpha1.PurposeUser {
			return "", nil // as a person would leave it out
		} else if known == word {
			return purpose, nil
		}
	}
	return "", errInvalidData("purpose", "must be user, internal or external_api")
}

func (m members) enabled() (bool, error) {
	raw, given := m["enabled"]
	if !given {
		return true, nil
	}
	if !slices.Contains([]string{"true", "false"}, string(raw)) {
		return false, errInvalidData("enabled", "must be true or false")
	}
	return string(raw) == "true", nil
}
