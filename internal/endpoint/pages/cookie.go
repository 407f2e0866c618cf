package pages

import (
	"net/http"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// cookieName is that of a tenant's cookie. The prefix lets no other host of the domain set it, and
// asks for the path / (RFC 6265bis §4.1.3.2): so the tenant is in the name.
func cookieName(tenant string) string { return "__Host-grantkeeper-" + tenant }

// cookieOf is what the browser has of a tenant; empty where it has nothing.
func cookieOf(r *http.Request, tenant string) sensitive.String {
	cookie, err := r.Cookie(cookieName(tenant))
	if err != nil {
		return sensitive.String{}
	}
	return sensitive.New(cookie.Value)
}

// setCookie gives the browser its cookie, unless it has it. It lasts until the browser is closed, and no
// longer than what is in it. A link that leads here brings it, a form of another site does not.
func (v *visit) setCookie() {
	value, isNew := v.browser.Cookie()
	if !isNew {
		return
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: cookieName(v.call.Tenant), Value: value.Reveal(),
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
