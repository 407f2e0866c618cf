package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

//go:embed templates
var files embed.FS

var (
	templates = template.Must(template.ParseFS(files, "templates/*"))
	// stylePolicy names the one style sheet, by its digest.
	stylePolicy = "'sha256-" + digestOf("templates/style.css") + "'"
)

func digestOf(file string) string {
	content, err := files.ReadFile(file)
	if err != nil {
		panic("pages: " + err.Error()) // it is compiled in
	}
	sum := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// page is what the templates may show.
type page struct {
	Title, Tenant, Client, Message string
	// Action is where the form goes, and Token what it brings back.
	Action, Token string
	// Username is whom the login page has been told, or who has logged in.
	Username string
	// Another leads to a login as somebody else.
	Another string
	// Rights are what the client would have, in words, and Scopes those that there are no words for.
	Rights, Scopes []string
	// Audiences are the services, other than the tenant's own, that would take its word.
	Audiences []string
	// Keeps tells that the client may go on without the user.
	Keeps bool
	// Place is where the browser goes afterwards.
	Place string
}

// newPage begins a page whose form counts for what is shown.
func (v *visit) newPage(title, action, shown string) *page {
	return &page{
		Title: title, Tenant: v.authorization.TenantName(), Client: v.authorization.ClientID(),
		Action: action + "?" + v.request.text(), Token: v.formToken(action, shown).Reveal(),
		Place: place(v.authorization.RedirectURI()),
	}
}

func (v *visit) renderLogin(status int, username, message string) {
	p := v.newPage("Log in", actionLogin, "")
	p.Username, p.Message = username, message
	v.renderForm(status, "login.html", p)
}

func (v *visit) renderConsent(terms *issuing.Terms) {
	p := v.newPage("Allow access?", actionConsent, shown(terms))
	p.Username, p.Another = v.browser.Username(), "authorize?"+v.request.asAnother()
	p.Keeps = v.authorization.MayRefresh()
	for _, scope := range terms.Scopes {
		if inWords, ok := rights[scope]; ok {
			p.Rights = append(p.Rights, inWords)
		} else {
			p.Scopes = append(p.Scopes, scope)
		}
	}
	for _, audience := range terms.Audiences {
		if audience != v.authorization.Issuer() {
			p.Audiences = append(p.Audiences, audience)
		}
	}
	v.renderForm(http.StatusOK, "consent.html", p)
}

// shown is what a page tells of terms, in one text.
func shown(terms *issuing.Terms) string {
	return url.Values{paramScope: terms.Scopes, paramResource: terms.Audiences}.Encode()
}

// rights are the scopes that mean the same everywhere (OpenID Connect Core §5.4).
var rights = map[string]string{
	"profile": "see your name",
	"email":   "see your e-mail address",
}

func (v *visit) renderForm(status int, name string, p *page) {
	v.setCookie()
	render(v.w, status, name, p, "'self' "+formTarget(v.authorization.RedirectURI()))
}

// fail shows why a request that cannot be answered anywhere else is not answered here.
func (v *visit) fail(err error) {
	refusal := issuing.AsRefusal(err)
	switch refusal.Reason {
	case issuing.InvalidClient, issuing.InvalidRequest:
		renderFailure(v.w, http.StatusBadRequest, "This link does not work: "+refusal.Description+".")
	case issuing.UnknownTenant:
		renderFailure(v.w, http.StatusNotFound, "There is nothing here.")
	default:
		dialect.LogFailure(v.log, v.r, v.call, err)
		renderFailure(v.w, http.StatusServiceUnavailable, "This cannot be answered now. Try again in a moment.")
	}
}

func renderFailure(w http.ResponseWriter, status int, message string) {
	render(w, status, "failure.html", &page{Title: "This did not work", Message: message}, "'none'")
}

// render writes a page that nobody keeps and nobody shows in a frame. Forms say which origin they
// come from only under a policy that tells this site's own pages of one another.
func render(w http.ResponseWriter, status int, name string, p *page, formAction string) {
	buffer := endpoint.NewBuffer()
	defer buffer.Release()
	if err := templates.ExecuteTemplate(buffer, name, p); err != nil {
		panic(err) // the templates are compiled in, and tested
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(buffer.B)))
	header.Set("Content-Security-Policy",
		"default-src 'none'; style-src "+stylePolicy+"; form-action "+formAction+"; frame-ancestors 'none'; base-uri 'none'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// A browser that is gone is no matter of ours.
	_, _ = w.Write(buffer.B)
}
