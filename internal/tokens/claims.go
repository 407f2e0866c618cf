package tokens

// appendClaims writes the claims object. Their order is part of the format:
// equal tokens are equal bytes.
func appendClaims(dst []byte, a *Access) []byte {
	dst = append(dst, '{')
	dst = appendMembers(dst, a)
	return append(dst, '}')
}

func appendMembers(dst []byte, a *Access) []byte {
	dst = appendText(append(dst, `"iss":`...), a.Issuer)
	dst = appendText(append(dst, `,"sub":`...), a.Subject)
	dst = appendAudience(append(dst, `,"aud":`...), a.Audiences)
	dst = appendSeconds(append(dst, `,"exp":`...), a.ExpiresAt)
	dst = appendSeconds(append(dst, `,"iat":`...), a.IssuedAt)
	dst = appendSeconds(append(dst, `,"nbf":`...), a.NotBefore)
	dst = appendText(append(dst, `,"jti":`...), a.ID)
	dst = appendOptional(dst, `,"client_id":`, a.ClientID)
	if a.Dialect == Wazo {
		dst = appendTexts(append(dst, `,"acl":`...), a.ACL)
	} else {
		dst = appendScopes(dst, a.Scopes)
	}
	if a.GrantID != "" {
		dst = append(append(dst, `,"sid":"`...), a.GrantID...)
		dst = appendInt(append(dst, '.'), a.Epoch)
		if a.GrantNamespace != "" {
			dst = append(append(dst, '.'), a.GrantNamespace...)
		}
		dst = append(dst, '"')
	}
	if !a.AuthTime.IsZero() {
		dst = appendSeconds(append(dst, `,"auth_time":`...), a.AuthTime)
	}
	dst = appendOptional(dst, `,"cv":`, a.CredentialVersion)
	return appendProfile(dst, a.Profile)
}

// appendAudience writes a single audience as a string and several as an array.
// RFC 7519 §4.1.3 allows either for one, and the string is what validators that
// compare it without looking at its type can read.
func appendAudience(dst []byte, audiences []string) []byte {
	if len(audiences) == 1 {
		return appendText(dst, audiences[0])
	}
	return appendTexts(dst, audiences)
}

// appendScopes writes the scopes as one string (RFC 8693 §4.2). No scope holds a
// space: Access.check saw to it.
func appendScopes(dst []byte, scopes []string) []byte {
	for i, scope := range scopes {
		separator := " "
		if i == 0 {
			separator = `,"scope":"`
		}
		dst = appendEscaped(append(dst, separator...), scope)
	}
	if len(scopes) > 0 {
		dst = append(dst, '"')
	}
	return dst
}

func appendProfile(dst []byte, p *Profile) []byte {
	if p == nil {
		return dst
	}
	dst = appendOptional(dst, `,"name":`, p.Name)
	dst = appendOptional(dst, `,"given_name":`, p.GivenName)
	dst = appendOptional(dst, `,"family_name":`, p.FamilyName)
	if p.Email == "" {
		return dst
	}
	dst = appendText(append(dst, `,"email":`...), p.Email)
	return appendBool(append(dst, `,"email_verified":`...), p.EmailVerified)
}
