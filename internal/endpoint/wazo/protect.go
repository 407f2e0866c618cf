package wazo

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/keys"
	"github.com/grantkeeper/grantkeeper/internal/scopes"
	"github.com/grantkeeper/grantkeeper/internal/tokens"
)

// protectedRoute is a route that only the holder of an access may use. There is no way to mount one
// without saying which access that is.
type protectedRoute struct {
	method, path string
	// access is what the caller's token has to permit; {name} stands for that value of the path.
	access string
	// reads says that the request has a body, which is JSON.
	reads bool
	// answer answers the callers who may. The members are nil where the route does not read any.
	answer protectedHandler
}

type protectedHandler func(w http.ResponseWriter, r *http.Request, c *caller, m members) error

// caller is who asks, and where.
type caller struct {
	*issuing.Checked
	call   endpoint.Call
	tenant keys.Tenant
}

// me is what stands in a path for the caller's own uuid.
const me = "me"

// subject is the user that a value of the path stands for; empty where a client asks for its own, for
// it has none.
func (c *caller) subject(owner string) string {
	switch {
	case owner != me:
		return owner
	case c.User == nil:
		return ""
	}
	return c.Access.Subject
}

// variables are what may stand in the paths of protected routes, and how each is read: a value that
// cannot be one makes the path a path that does not exist.
var variables = map[string]func(string) (value string, ok bool){
	"user_uuid":    parseUUID,
	"session_uuid": parseUUID,
	"tenant_uuid":  parseUUID,
	"owner": func(text string) (string, bool) {
		if text == me {
			return me, true
		}
		return parseUUID(text)
	},
	"client_id": func(text string) (string, bool) { return text, text != "" },
}

// parseUUID reads a UUID in any case and gives it as subjects and sessions are written. It takes none
// of the other spellings that package uuid does.
func parseUUID(text string) (string, bool) {
	if len(text) != len(uuid.Nil.String()) {
		return "", false
	}
	id, err := uuid.Parse(text)
	return id.String(), err == nil
}

// protect lets those callers through to a route who may use it.
func (a *API) protect(route protectedRoute) endpoint.Handler {
	return a.spoken(asAPI, func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		if err := a.answerProtected(w, r, call, &route); err != nil {
			a.refuse(w, r, call, asAPI, err)
		}
	})
}

func (a *API) answerProtected(w http.ResponseWriter, r *http.Request, call endpoint.Call, route *protectedRoute) error {
	access, err := readPath(r, route)
	if err != nil {
		return err
	}
	c, err := a.admit(r, call, access)
	if err != nil {
		return err
	}
	if !route.reads {
		return route.answer(w, r, c, nil)
	}
	if endpoint.HasMediaType(r.Header, formType) {
		return errNotJSON
	}
	body, err := endpoint.ReadBody(r)
	if err != nil {
		return unreadable(err)
	}
	defer body.Release()
	m, err := parseMembers(body.B)
	if err != nil {
		return err
	}
	return route.answer(w, r, c, m)
}

// readPath brings the values of a path into one spelling, and puts them into the access that a route
// needs, in one pass: what a value holds is no name of another one. A dot of theirs would be the border of
// a segment there, so it becomes another letter.
func readPath(r *http.Request, route *protectedRoute) (access string, err error) {
	var values []string
	for name, read := range variables {
		if !strings.Contains(route.path, "{"+name+"}") {
			continue
		}
		value, ok := read(r.PathValue(name))
		if !ok {
			return "", errNoRoute
		}
		r.SetPathValue(name, value)
		values = append(values, "{"+name+"}", strings.ReplaceAll(value, ".", "_"))
	}
	return strings.NewReplacer(values...).Replace(route.access), nil
}

// Why a caller is turned away, as clients know it.
const (
	tokenNotFound     = "not_found_or_expired"
	permissionMissing = "missing_permission_or_invalid_tenant"
)

// admit finds the caller of a protected route, and refuses one whose token does not permit the access.
// The token is one of this dialect, or a JWT of the other one that is addressed to the issuer. A refresh
// token is neither, so it is not found.
func (a *API) admit(r *http.Request, call endpoint.Call, access string) (*caller, error) {
	tenant, err := a.options.Service.Tenant(call.Tenant)
	if err != nil {
		return nil, err
	}
	sent := r.Header["X-Auth-Token"]
	if len(sent) != 1 {
		return nil, errUnauthorized("", tokenNotFound, access)
	}
	checked, err := a.options.Service.Check(r.Context(), call.Tenant, sent[0])
	switch {
	case err != nil && issuing.AsRefusal(err).Reason == issuing.UnknownToken:
		return nil, errUnauthorized(sent[0], tokenNotFound, access)
	case err != nil:
		return nil, err
	case !isForHere(sent[0], checked.Access):
		return nil, errUnauthorized(sent[0], tokenNotFound, access)
	case !names(r.Header["Wazo-Tenant"], tenant.UID), !mayAccess(checked, access):
		return nil, errUnauthorized(sent[0], permissionMissing, access)
	}
	return &caller{Checked: checked, call: call, tenant: tenant}, nil
}

// isForHere tells whether a good token is one for these routes.
func isForHere(token string, access *tokens.Access) bool {
	return access.Dialect == tokens.Wazo || !tokens.IsReference(token) && slices.Contains(access.Audiences, access.Issuer)
}

// names tells whether a request that may say which tenant it means, means this one. Empty says nothing.
func names(sent []string, tenant string) bool {
	return !slices.ContainsFunc(sent, func(named string) bool { return named != "" && !strings.EqualFold(named, tenant) })
}

// mayAccess tells whether a token permits an access. To a client that acts for itself nothing is "me".
func mayAccess(checked *issuing.Checked, access string) bool {
	who := scopes.Identity{Session: checked.Access.ID}
	if checked.User != nil {
		who.User = checked.Access.Subject
	}
	return checked.Permissions.Permits(who, access)
}

// errUnauthorized is the answer to a caller whose token is not good for an access. It goes to nobody but
// the one who sent that token.
func errUnauthorized(token, reason, access string) *problem {
	return &problem{
		status:  http.StatusUnauthorized,
		text:    "Unauthorized",
		details: unauthorized{InvalidToken: token, Reason: reason, RequiredAccess: access},
	}
}

type unauthorized struct {
	InvalidToken   string `json:"invalid_token"`
	Reason         string `json:"reason"`
	RequiredAccess string `json:"required_access"`
}
