package wazo

import (
	"net/http"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// headToken answers HEAD token/{token}: 204 for a token that is good for all that the query
// demands. Verifying services ask this for every request of theirs, so nothing is allocated here.
func (a *API) headToken(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	if _, err := a.demanded(r, call); err != nil {
		a.refuse(w, r, call, asToken, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// getToken answers GET token/{token}: as HEAD, and with what is known about the token.
func (a *API) getToken(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	checked, err := a.demanded(r, call)
	if err != nil {
		a.refuse(w, r, call, asToken, err)
		return
	}
	tenant, err := a.options.Service.Tenant(call.Tenant)
	if err != nil {
		a.refuse(w, r, call, asToken, err)
		return
	}
	token := sensitive.New(r.PathValue("token"))
	send(w, http.StatusOK, enveloped{a.describe(token, checked.Access, checked.User.Spec.EffectivePurpose(), tenant.UID)})
}

// deleteToken answers DELETE token/{token}. A token that is unknown is as gone as one that was
// deleted.
func (a *API) deleteToken(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	if err := a.options.Service.Revoke(call.Context(r), call.Tenant, r.PathValue("token"), tokens.Wazo); err != nil {
		a.refuse(w, r, call, asToken, err)
		return
	}
	send(w, http.StatusOK, enveloped{deleted{"success"}})
}

type deleted struct {
	Message string `json:"message"`
}

// answerScopes answers POST token/{token}/scopes/check.
func (a *API) answerScopes(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error {
	p, err := parseScopesRequest(body)
	if err != nil {
		return err
	}
	checked, err := a.check(r, call)
	if err != nil {
		return err
	}
	if p.tenant != nil {
		if err := a.belongs(call, *p.tenant); err != nil {
			return err
		}
	}
	answer := scopesAnswer{Scopes: make(map[string]bool, len(p.scopes))}
	for _, scope := range p.scopes {
		if err := r.Context().Err(); err != nil {
			return err
		}
		answer.Scopes[scope] = mayAccess(checked, scope)
	}
	send(w, http.StatusOK, answer)
	return nil
}

type scopesAnswer struct {
	Scopes map[string]bool `json:"scopes"`
}

// check looks up the token in the path. A token of the other dialect does not exist here.
func (a *API) check(r *http.Request, call endpoint.Call) (*issuing.Checked, error) {
	checked, err := a.options.Service.Check(r.Context(), call.Tenant, r.PathValue("token"))
	if err != nil {
		return nil, err
	}
	if checked.Access.Dialect != tokens.Wazo {
		return nil, errNoSuchToken
	}
	return checked, nil
}

// demanded looks up the token in the path, and refuses it where it lacks what the query demands.
func (a *API) demanded(r *http.Request, call endpoint.Call) (*issuing.Checked, error) {
	checked, err := a.check(r, call)
	if err != nil {
		return nil, err
	}
	for q := (query{rest: r.URL.RawQuery}); q.next(); {
		switch q.name {
		case "scope":
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			if !mayAccess(checked, q.value) {
				return nil, errMissingAccess(q.value)
			}
		case "tenant":
			if err := a.belongs(call, q.value); err != nil {
				return nil, err
			}
		}
	}
	return checked, nil
}

// belongs refuses a tenant that is not the one that the request, and so its token, is of. Empty names none.
func (a *API) belongs(call endpoint.Call, tenant string) error {
	own, err := a.options.Service.Tenant(call.Tenant)
	if err != nil {
		return err
	}
	if tenant != "" && tenant != own.UID {
		return errForeignTenant(tenant)
	}
	return nil
}
