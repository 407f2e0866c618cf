package wazo

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// createToken answers POST token.
func (a *API) createToken(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error {
	p, err := parseTokenRequest(body)
	if err != nil {
		return err
	}
	tenant, err := a.options.Service.Tenant(call.Tenant)
	if err != nil {
		return err
	}
	if p.tenant != nil && *p.tenant != tenant.UID {
		return errNoSuchTenant
	}
	issued, err := a.issue(r, call, p)
	if err != nil {
		return err
	}
	data := a.describe(issued.AccessToken, issued.Access, issued.User.Spec.EffectivePurpose(), tenant.UID)
	data.RefreshToken = issued.RefreshToken.Reveal()
	w.Header().Set("Wazo-Sessions-Revoked", strconv.Itoa(issued.SessionsRevoked))
	send(w, http.StatusOK, enveloped{data})
	return nil
}

// issue logs in or refreshes. Basic credentials beside a refresh token are not looked at.
func (a *API) issue(r *http.Request, call endpoint.Call, p *tokenRequest) (*issuing.Issued, error) {
	login := issuing.Login{
		Lifetime:  p.lifetime,
		ClientID:  p.clientID,
		Offline:   p.offline,
		Mobile:    strings.EqualFold(r.Header.Get("Wazo-Session-Type"), "mobile"),
		UserAgent: r.UserAgent(),
	}
	if call.Client.IsValid() {
		login.Source = call.Client.String()
	}
	if p.refresh {
		return a.options.Service.Refresh(call.Context(r), call.Tenant, p.refreshToken.Reveal(), login)
	}
	var ok bool
	if login.Login, login.Password, ok = parseBasic(r.Header["Authorization"]); !ok {
		return nil, errAuthentication
	}
	return a.options.Service.Login(call.Context(r), call.Tenant, login)
}
