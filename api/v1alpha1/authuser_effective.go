package v1alpha1

// What absent fields of an AuthUser mean.
const (
	// DefaultGeneratedLength is the length of a generated password: 192 bits.
	DefaultGeneratedLength = 32
	// DefaultMaxSessions is the number of live reference tokens a user may have.
	DefaultMaxSessions = 100
	// DefaultMaxGrants is the number of grants that the endpoint keeps for a user.
	DefaultMaxGrants = 100
)

// EffectiveUsername is spec.username, or metadata.name where that is absent. It is compared
// without regard to case, but kept and shown as written.
func (u *AuthUser) EffectiveUsername() string {
	if u.Spec.Username != "" {
		return u.Spec.Username
	}
	return u.Name
}

// EffectivePurpose is the purpose, or User where it is absent.
func (s *AuthUserSpec) EffectivePurpose() Purpose {
	return orDefault(s.Purpose, PurposeUser)
}

// EffectiveState is the state, or Enabled where it is absent. It does not look at expiresAt.
func (s *AuthUserSpec) EffectiveState() UserState {
	return orDefault(s.State, UserStateEnabled)
}

// EffectiveMaxSessions is maxSessions, or DefaultMaxSessions where it is absent.
func (s *AuthUserSpec) EffectiveMaxSessions() int32 {
	return derefOr(s.MaxSessions, DefaultMaxSessions)
}

// EffectiveMaxGrants is maxGrants, or DefaultMaxGrants where it is absent.
func (s *AuthUserSpec) EffectiveMaxGrants() int32 {
	return derefOr(s.MaxGrants, DefaultMaxGrants)
}

// MainEmail is the address marked main, else the first one, else false.
func (s *AuthUserSpec) MainEmail() (Email, bool) {
	for _, email := range s.Emails {
		if email.Main {
			return email, true
		}
	}
	if len(s.Emails) == 0 {
		return Email{}, false
	}
	return s.Emails[0], true
}

// EffectiveLength is the number of characters, or DefaultGeneratedLength where length is absent.
func (g *GeneratedPassword) EffectiveLength() int {
	return int(derefOr(g.Length, DefaultGeneratedLength))
}

func orDefault[T ~string](value, absent T) T {
	if value == "" {
		return absent
	}
	return value
}

func derefOr[T any](value *T, absent T) T {
	if value == nil {
		return absent
	}
	return *value
}
