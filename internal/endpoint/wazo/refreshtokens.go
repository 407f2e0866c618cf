package wazo

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// refreshTokenItem is what is told about a refresh token: never the token itself, which is stored
// nowhere.
type refreshTokenItem struct {
	ClientID   string   `json:"client_id"`
	CreatedAt  string   `json:"created_at"`
	Mobile     bool     `json:"mobile"`
	UserUUID   string   `json:"user_uuid"`
	TenantUUID string   `json:"tenant_uuid"`
	Metadata   metadata `json:"metadata"`
}

var refreshTokenTable = table[refreshTokenItem]{
	{name: "created_at", text: func(i refreshTokenItem) string { return i.CreatedAt }},
	{name: "client_id", text: func(i refreshTokenItem) string { return i.ClientID }, searched: true},
	{name: "mobile", text: func(i refreshTokenItem) string { return strconv.FormatBool(i.Mobile) }, flag: true},
	{name: "user_uuid", text: func(i refreshTokenItem) string { return i.UserUUID }, hidden: true, folded: true},
	{name: "tenant_uuid", text: func(i refreshTokenItem) string { return i.TenantUUID }, hidden: true, folded: true},
}

// getRefreshTokens answers GET tokens: those of all users of the tenant.
func (a *API) getRefreshTokens(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	held, err := a.options.Service.WazoGrants(c.call.Tenant)
	if err != nil {
		return err
	}
	return sendRefreshTokens(w, r, c, held)
}

// getRefreshTokensOf answers GET users/{owner}/tokens.
func (a *API) getRefreshTokensOf(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	owner, err := a.owner(r, c)
	if err != nil {
		return err
	}
	held, err := a.options.Service.WazoGrantsOf(c.call.Tenant, owner)
	if err != nil {
		return err
	}
	return sendRefreshTokens(w, r, c, held)
}

func sendRefreshTokens(w http.ResponseWriter, r *http.Request, c *caller, held []issuing.WazoGrant) error {
	items := make([]refreshTokenItem, len(held))
	for i, g := range held {
		user := g.User.Subject()
		items[i] = refreshTokenItem{
			ClientID:   g.ClientID,
			CreatedAt:  naive(g.CreatedAt, time.UTC),
			Mobile:     g.Mobile,
			UserUUID:   user,
			TenantUUID: c.tenant.UID,
			Metadata:   metadataOf(user, g.User.Spec.EffectivePurpose(), c.tenant.UID),
		}
	}
	answer, err := refreshTokenTable.answer(items, r.URL.RawQuery)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, answer)
	return nil
}

// deleteRefreshToken answers DELETE users/{owner}/tokens/{client_id}. Every access token that was made
// from it ends with it.
func (a *API) deleteRefreshToken(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	owner, err := a.owner(r, c)
	if err != nil {
		return err
	}
	clientID := r.PathValue("client_id")
	err = a.options.Service.EndWazoGrant(c.call.Context(r), c.call.Tenant, owner, clientID)
	switch {
	case errors.Is(err, issuing.ErrUnknownGrant):
		return errUnknownRefreshToken(clientID)
	case errors.Is(err, issuing.ErrManagedExternally):
		return errManagedExternally("tokens", "The refresh token is of a RefreshTokenGrant that a person applied or changed: it is ended there")
	case err != nil:
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func errUnknownRefreshToken(clientID string) *problem {
	return &problem{
		status:   http.StatusNotFound,
		text:     `unknown refresh_token for client_id "` + clientID + `"`,
		id:       "cannot-find-refresh-token-matching-client-id",
		details:  clientDetails{clientID},
		resource: "tokens",
	}
}

type clientDetails struct {
	ClientID string `json:"client_id"`
}

// errManagedExternally refuses to change an object that is managed elsewhere.
func errManagedExternally(resource, text string) *problem {
	return &problem{status: http.StatusForbidden, text: text, id: "managed-externally", resource: resource}
}
