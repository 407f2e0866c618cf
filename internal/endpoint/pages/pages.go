package pages

import (
	"crypto/subtle"
	"net/http"
	"net/url"

	"github.com/go-logr/logr"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// Pages answers what a person's browser asks for.
type Pages struct {
	service *issuing.Service
	log     logr.Logger
	// origin refuses what another site's page sends.
	origin *http.CrossOriginProtection
}

// New makes the pages. The log gets the causes of answers that were not possible, and nothing of any
// request.
func New(service *issuing.Service, log logr.Logger) *Pages {
	return &Pages{service: service, log: log, origin: http.NewCrossOriginProtection()}
}

// The actions that forms have; each is the path that it is sent to.
const (
	actionLogin   = "login"
	actionConsent = "consent"
)

// Dialect are the routes, with errors that are pages.
func (p *Pages) Dialect() endpoint.Dialect {
	return endpoint.Dialect{
		Routes: []endpoint.Route{
			{Method: http.MethodGet, Pattern: "/authorize", Handle: p.visited(p.authorize)},
			// What stands in the address bar after a password that was wrong, and is opened anew.
			{Method: http.MethodGet, Pattern: "/" + actionLogin, Handle: p.visited((*visit).begin)},
			{Method: http.MethodPost, Pattern: "/" + actionLogin, Handle: p.onForm(p.login)},
			{Method: http.MethodPost, Pattern: "/" + actionConsent, Handle: p.onForm(p.consent)},
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int) {
			renderFailure(w, status, http.StatusText(status))
		},
	}
}

// visit is a browser that comes with a request that may be answered at its redirect URI.
type visit struct {
	w             http.ResponseWriter
	r             *http.Request
	call          endpoint.Call
	log           logr.Logger
	request       *request
	authorization *issuing.Authorization
	browser       *issuing.Browser
}

// visited gives a handler the request, the client and the browser, once all of them are known. Where
// the client or its redirect URI is not, a page says so and nobody is sent anywhere.
func (p *Pages) visited(handle func(*visit)) endpoint.Handler {
	return func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		v := &visit{w: w, r: r, call: call, log: p.log}
		if err := p.receive(v); err != nil {
			v.fail(err)
			return
		}
		if v.request.problem != nil {
			v.sendBack(v.request.problem)
			return
		}
		handle(v)
	}
}

// receive finds out who comes and for whom.
func (p *Pages) receive(v *visit) (err error) {
	if err = p.service.Speaks(v.call.Tenant, v1alpha1.DialectOAuth2); err != nil {
		return err
	}
	if v.request, err = parseRequest(v.r.URL.RawQuery); err != nil {
		return err
	}
	v.authorization, err = p.service.Authorize(v.call.Tenant, v.request.AuthorizationRequest)
	if v.authorization == nil {
		return err
	}
	if v.request.problem == nil {
		v.request.problem = err
	}
	v.browser, err = p.service.Browser(v.call.Tenant, cookieOf(v.r, v.call.Tenant).Reveal())
	return err
}

// onForm is visited for a form of this origin. Whether this browser was sent it is for the handler to ask
// (isSent).
func (p *Pages) onForm(handle func(*visit, url.Values)) endpoint.Handler {
	onForm := func(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
		if p.origin.Check(r) != nil {
			renderFailure(w, http.StatusForbidden, "This form came from another site.")
			return
		}
		form, err := readForm(r)
		if err != nil {
			refuseForm(w, r, call)
			return
		}
		p.visited(func(v *visit) { handle(v, form) })(w, r, call)
	}
	return endpoint.ByContentType("application/x-www-form-urlencoded", onForm, refuseForm)
}

func refuseForm(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) {
	renderFailure(w, http.StatusBadRequest, "The form cannot be read.")
}

func readForm(r *http.Request) (url.Values, error) {
	body, err := endpoint.ReadBody(r)
	if err != nil {
		return nil, err
	}
	defer body.Release()
	return url.ParseQuery(string(body.B))
}

// isSent tells whether a form is the one that this browser was sent for an action, this request, and what
// the page showed of it.
func (v *visit) isSent(form url.Values, action, shown string) bool {
	want := v.formToken(action, shown)
	return subtle.ConstantTimeCompare([]byte(form.Get("token")), []byte(want.Reveal())) == 1
}

// formToken is what the form of an action brings back. A query holds no space.
func (v *visit) formToken(action, shown string) sensitive.String {
	return v.browser.FormToken(action, v.request.text()+" "+shown)
}

// begin leads to the first page that the request needs now.
func (v *visit) begin() { v.seeOther("authorize?" + v.request.text()) }

// askAgain shows the login page once more: what came is of another browser, or of this one before it
// changed.
func (v *visit) askAgain() {
	v.renderLogin(http.StatusBadRequest, "", "The page was out of date, or the browser takes no cookies. Try again.")
}

// authorize answers GET /authorize. Whoever has logged in before, perhaps for another client, and may not
// have what this one asks for, may log in as somebody else.
func (p *Pages) authorize(v *visit) {
	next, err := p.service.Next(v.authorization, v.browser)
	switch {
	case err != nil && issuing.AsRefusal(err).Reason == issuing.InvalidScope && !v.request.Prompt.None:
		v.renderLogin(http.StatusOK, "", v.browser.Username()+" may not give this application what it asks for. Log in as somebody else.")
	case err != nil:
		v.sendBack(err)
	case next.Step == issuing.StepLogin:
		v.renderLogin(http.StatusOK, "", "")
	case next.Step == issuing.StepConsent:
		v.renderConsent(next.Terms)
	default:
		p.sendCode(v, next.Terms)
	}
}

// login answers POST /login. The client is told at once of a user who may not have what it asks for.
func (p *Pages) login(v *visit, form url.Values) {
	if !v.isSent(form, actionLogin, "") {
		v.askAgain()
		return
	}
	name := form.Get("username")
	known, err := p.service.LogIn(v.call.Context(v.r), v.authorization, issuing.Credentials{
		Login: name, Password: sensitive.New(form.Get("password")), Source: v.call.Client.String(),
	})
	if err == nil {
		v.browser = known
		v.setCookie()
		if _, err := v.authorization.TermsFor(known); err != nil {
			v.sendBack(err)
			return
		}
		v.seeOther("authorize?" + v.request.afterLogin())
		return
	}
	switch refusal := issuing.AsRefusal(err); refusal.Reason {
	case issuing.InvalidGrant:
		v.renderLogin(http.StatusBadRequest, name, "The username or the password is wrong.")
	case issuing.LockedOut:
		endpoint.SetRetryAfter(v.w.Header(), refusal.RetryAfter)
		v.renderLogin(http.StatusTooManyRequests, name, "Too many attempts have failed. Try again later.")
	default:
		dialect.LogFailure(v.log, v.r, v.call, err)
		v.renderLogin(http.StatusServiceUnavailable, name, "The password cannot be checked now. Try again.")
	}
}

// consent answers POST /consent. Whoever is not logged in any more has agreed to nothing, and neither has
// whoever was shown something else than what the client would have now.
func (p *Pages) consent(v *visit, form url.Values) {
	next, err := p.service.Next(v.authorization, v.browser)
	switch {
	case err != nil:
		v.sendBack(err)
	case next.Step == issuing.StepLogin || !v.isSent(form, actionConsent, shown(next.Terms)):
		v.begin()
	case form.Get("decision") != "allow":
		v.sendBack(p.service.Deny(v.call.Context(v.r), v.authorization, v.browser))
	default:
		p.sendCode(v, next.Terms)
	}
}

func (p *Pages) sendCode(v *visit, terms *issuing.Terms) {
	code, err := p.service.Code(v.call.Context(v.r), v.authorization, v.browser, terms)
	if err != nil {
		v.sendBack(err)
		return
	}
	v.redirect(url.Values{"code": {code.Reveal()}})
}
