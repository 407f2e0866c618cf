package rendering

import (
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// tokenType is what every access token is used as (RFC 6750).
const tokenType = "Bearer"

// Values are what there is to say about one token of a grant.
type Values struct {
	// Namespace is where the Secret is.
	Namespace string
	// AccessToken is the token.
	AccessToken sensitive.String
	// RefreshToken is empty where the grant does not deliver one.
	RefreshToken sensitive.String
	// ExpiresAt is the exp of the access token.
	ExpiresAt time.Time
	// ClientID is the effective client_id.
	ClientID string
	// Issuer is the tenant's issuer, and TokenURL its token endpoint.
	Issuer, TokenURL string
	// CABundle verifies the endpoint; PEM, empty where that needs none.
	CABundle []byte
	// Username and Subject are the user's.
	Username, Subject string
	// Scopes are what the token carries: concrete scopes, or the patterns of a wazo token.
	Scopes []string
	// Audiences are whom the token is for.
	Audiences []string
}

func (v *Values) expiry() string { return v.ExpiresAt.UTC().Format(time.RFC3339) }

// masked are the values with texts in the place of the tokens that are as long and say nothing.
func (v *Values) masked() *Values {
	mask := func(token sensitive.String) sensitive.String {
		return sensitive.New(strings.Repeat("x", len(token.Reveal())))
	}
	masked := *v
	masked.AccessToken, masked.RefreshToken = mask(v.AccessToken), mask(v.RefreshToken)
	return &masked
}

// forTemplates are the values under the names that templates know them by. The refresh token is one
// of them only where it is delivered: a template that asks for another is a mistake to be told.
func (v *Values) forTemplates() map[string]any {
	values := map[string]any{
		"accessToken": v.AccessToken.Reveal(),
		"expiry":      v.expiry(),
		"tokenType":   tokenType,
		"clientID":    v.ClientID,
		"issuer":      v.Issuer,
		"tokenURL":    v.TokenURL,
		"caBundle":    string(v.CABundle),
		"username":    v.Username,
		"subject":     v.Subject,
		"scopes":      v.Scopes,
		"audiences":   v.Audiences,
	}
	if !v.RefreshToken.IsZero() {
		values["refreshToken"] = v.RefreshToken.Reveal()
	}
	return values
}
