package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// TokenEndpoint answers token requests (RFC 6749 §3.2), and the requests of clients that ask about a
// token (RFC 7662) or give one back (RFC 7009).
type TokenEndpoint struct {
	service *issuing.Service
	log     logr.Logger
	serve   endpoint.Handler
}

// formType is the media type of every request.
const formType = "application/x-www-form-urlencoded"

// NewTokenEndpoint makes a token endpoint. The log gets the causes of 5xx answers and nothing of
// any request.
func NewTokenEndpoint(service *issuing.Service, log logr.Logger) *TokenEndpoint {
	e := &TokenEndpoint{service: service, log: log}
	e.serve = e.onForm(e.serveToken)
	return e
}

// Routes are those of revocation and metadata. POST /token is not among them, because that path is shared: see
// Token.
func (e *TokenEndpoint) Routes() []endpoint.Route {
	return []endpoint.Route{
		{Method: http.MethodPost, Pattern: "/revoke", Handle: e.onForm(e.serveRevocation)},
		{Method: http.MethodGet, Pattern: "/.well-known/oauth-authorization-server", Handle: e.spoken(e.serveMetadata)},
	}
}

// SecretRoutes are those that take a client with a secret, which no page can keep: introspection.
func (e *TokenEndpoint) SecretRoutes() []endpoint.Route {
	return []endpoint.Route{{Method: http.MethodPost, Pattern: "/introspect", Handle: e.onForm(e.serveIntrospection)}}
}

// CrossOrigin is what a Public client that runs in a page needs of Routes and of Token.
func CrossOrigin() *endpoint.CrossOrigin {
	return &endpoint.CrossOrigin{Send: []string{"Authorization", "Content-Type"}, Read: []string{"Retry-After", "WWW-Authenticate"}}
}

// onForm gives a handler its body, which has to be a form, for a tenant that speaks this dialect. The
// error is the answer where there is one.
func (e *TokenEndpoint) onForm(serve func(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error) endpoint.Handler {
	onForm := func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		body, err := endpoint.ReadBody(r)
		if err != nil {
			unreadable(err).write(w)
			return
		}
		defer body.Release()
		if err := serve(w, r, call, body.B); err != nil {
			e.Fail(w, r, call, err)
		}
	}
	return e.spoken(endpoint.ByContentType(formType, onForm, serveOther))
}

// spoken answers for the tenants that speak this dialect, and for the others as if there were none.
func (e *TokenEndpoint) spoken(handle endpoint.Handler) endpoint.Handler {
	return func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		if err := e.service.Speaks(call.Tenant, v1alpha1.DialectOAuth2); err != nil {
			e.Fail(w, r, call, err)
			return
		}
		handle(w, r, call)
	}
}

// Token answers POST /token for the tenant of the call. It is an endpoint.Handler; what is not a
// form is an invalid_request. A login for which no grant stands yet, every code and every
// reference token cost one write, all else none.
func (e *TokenEndpoint) Token(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	e.serve(w, r, call)
}

func serveOther(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) {
	invalidRequest("the body must be application/x-www-form-urlencoded").write(w)
}

func (e *TokenEndpoint) serveToken(w http.ResponseWriter, r *http.Request, call endpoint.Call, body []byte) error {
	issued, err := e.issue(r, call, body)
	if err != nil {
		return err
	}
	answer(w, issued)
	return nil
}

func unreadable(err error) *problem {
	if errors.Is(err, endpoint.ErrBodyTooLarge) {
		return &problem{status: http.StatusRequestEntityTooLarge, code: codeInvalidRequest, description: "the body is too large"}
	}
	return invalidRequest("the body could not be read")
}

// issue takes a request through its stages: the form, the client, the grant. Each refuses before
// the next is looked at, so that only a client that has authenticated learns anything of a grant.
func (e *TokenEndpoint) issue(r *http.Request, call endpoint.Call, body []byte) (*issuing.Issued, error) {
	p, err := parseParameters(body)
	if err != nil {
		return nil, err
	}
	if p.grantType == "" {
		return nil, missing("grant_type")
	}
	ctx := call.Context(r)
	client, err := e.authenticate(ctx, r, call, p)
	if err != nil {
		return nil, err
	}
	redeem, ok := grants[p.grantType]
	if !ok {
		return nil, &problem{status: http.StatusBadRequest, code: codeUnsupportedGrantType}
	}
	wish, err := p.wish()
	if err != nil {
		return nil, err
	}
	return redeem(ctx, e.service, &request{
		parameters: p, client: client, wish: wish, userAgent: r.UserAgent(), source: call.Client.String(),
	})
}

func (e *TokenEndpoint) authenticate(ctx context.Context, r *http.Request, call endpoint.Call, p *parameters) (*issuing.AuthenticatedClient, error) {
	presented, err := clientAuthentication(r.Header, p)
	if err != nil {
		return nil, err
	}
	return e.service.AuthenticateClient(ctx, call.Tenant, presented)
}

// request is a token request whose client has authenticated.
type request struct {
	*parameters
	client    *issuing.AuthenticatedClient
	wish      issuing.Wish
	userAgent string
	source    string
}

// grants are the grant types that are served.
var grants = map[string]func(context.Context, *issuing.Service, *request) (*issuing.Issued, error){
	"password":           redeemPassword,
	"refresh_token":      redeemRefreshToken,
	"client_credentials": redeemClientCredentials,
	"authorization_code": redeemCode,
}

// redeemPassword is RFC 6749 §4.3.2.
func redeemPassword(ctx context.Context, service *issuing.Service, r *request) (*issuing.Issued, error) {
	switch {
	case r.username == "":
		return nil, missing("username")
	case r.password.IsZero():
		return nil, missing("password")
	}
	user := issuing.Credentials{Login: r.username, Password: r.password, Source: r.source}
	return service.PasswordGrant(ctx, r.client, user, r.userAgent, r.wish)
}

// redeemRefreshToken is RFC 6749 §6.
func redeemRefreshToken(ctx context.Context, service *issuing.Service, r *request) (*issuing.Issued, error) {
	if r.refreshToken.IsZero() {
		return nil, missing("refresh_token")
	}
	return service.RefreshGrant(ctx, r.client, r.refreshToken.Reveal(), r.wish)
}

// redeemClientCredentials is RFC 6749 §4.4.2.
func redeemClientCredentials(ctx context.Context, service *issuing.Service, r *request) (*issuing.Issued, error) {
	return service.ClientCredentialsGrant(ctx, r.client, r.wish)
}

// redeemCode is RFC 6749 §4.1.3 with RFC 7636 §4.5.
func redeemCode(ctx context.Context, service *issuing.Service, r *request) (*issuing.Issued, error) {
	if r.code.IsZero() {
		return nil, missing("code")
	}
	presented := issuing.Redemption{
		Code: r.code, Verifier: r.codeVerifier, RedirectURI: r.redirectURI, UserAgent: r.userAgent, Source: r.source,
	}
	return service.CodeGrant(ctx, r.client, presented, r.wish)
}

func missing(parameter string) *problem {
	return invalidRequest("a parameter is missing: " + parameter)
}

// Fail writes the answer to a request that does not get what it asked for; it is an
// endpoint.Failure. What kept the server from answering is logged.
func (e *TokenEndpoint) Fail(w http.ResponseWriter, r *http.Request, call endpoint.Call, err error) {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		p = problemOf(issuing.AsRefusal(err))
	}
	if p.status >= http.StatusInternalServerError {
		dialect.LogFailure(e.log, r, call, err)
	}
	p.write(w)
}
