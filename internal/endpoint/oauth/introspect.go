package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// introspection is what a token stands for (RFC 7662 §2.2). One that is not active tells nothing else.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	NotBefore int64  `json:"nbf,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  any    `json:"aud,omitempty"` // a text where it is one, as in the token
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
}

// serveIntrospection answers POST /introspect (RFC 7662). A token that is unknown, dead, another
// client's and not addressed to this one, or a refresh token, is not active: the answer does not
// tell which.
func (e *TokenEndpoint) serveIntrospection(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error {
	client, token, err := e.aboutToken(r, call, body)
	if err != nil {
		return err
	}
	told := introspection{}
	checked, err := e.service.Introspect(r.Context(), client, token.Reveal())
	switch {
	case err == nil:
		told = introspect(checked)
	case issuing.AsRefusal(err).Reason != issuing.UnknownToken:
		return err
	}
	answer, err := json.Marshal(told)
	if err != nil {
		return fmt.Errorf("write the introspection: %w", err)
	}
	send(w, http.StatusOK, append(answer, '\n'))
	return nil
}

func introspect(checked *issuing.Checked) introspection {
	a := checked.Access
	told := introspection{
		Active:    true,
		Scope:     strings.Join(a.Scopes, " "),
		ClientID:  a.ClientID,
		TokenType: "Bearer",
		Expires:   a.ExpiresAt.Unix(),
		IssuedAt:  a.IssuedAt.Unix(),
		NotBefore: a.NotBefore.Unix(),
		Subject:   a.Subject,
		Audience:  a.Audiences,
		Issuer:    a.Issuer,
		ID:        a.ID,
	}
	if len(a.Audiences) == 1 {
		told.Audience = a.Audiences[0]
	}
	if checked.User != nil {
		told.Username = checked.User.EffectiveUsername()
	}
	return told
}

// serveRevocation answers POST /revoke (RFC 7009): 200 without a body, also for a token that is
// unknown or dead. The token_type_hint is not needed: the two kinds cannot be mistaken.
func (e *TokenEndpoint) serveRevocation(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error {
	client, token, err := e.aboutToken(r, call, body)
	if err != nil {
		return err
	}
	if err := e.service.RevokeOwn(call.Context(r), client, token.Reveal()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// aboutToken reads a request of a client, which has to authenticate, about a token.
func (e *TokenEndpoint) aboutToken(r *http.Request, call endpoint.Call, body []byte) (*issuing.AuthenticatedClient, sensitive.String, error) {
	p, err := parseParameters(body)
	if err != nil {
		return nil, sensitive.String{}, err
	}
	client, err := e.authenticate(call.Context(r), r, call, p)
	if err != nil {
		return nil, sensitive.String{}, err
	}
	if p.token.IsZero() {
		return nil, sensitive.String{}, missing("token")
	}
	return client, p.token, nil
}
