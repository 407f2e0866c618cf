package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/endpoint/dialect"
	"github.com/grantkeeper/grantkeeper/internal/issuing"
)

// words are what a client is told at its redirect URI (RFC 6749 §4.1.2.1, RFC 8707 §2, OpenID Connect
// Core §3.1.2.6).
var words = map[issuing.Reason]string{
	issuing.InvalidRequest:          "invalid_request",
	issuing.UnauthorizedClient:      "unauthorized_client",
	issuing.UnsupportedResponseType: "unsupported_response_type",
	issuing.InvalidScope:            "invalid_scope",
	issuing.InvalidTarget:           "invalid_target",
	issuing.LoginRequired:           "login_required",
	issuing.ConsentRequired:         "consent_required",
	issuing.AccessDenied:            "access_denied",
	issuing.Unavailable:             "temporarily_unavailable",
}

// unsupported is a parameter that this program does not know how to read.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// What OpenID Connect Core §6.1 and §6.2 call them.
const (
	errRequest    unsupported = "request_not_supported"
	errRequestURI unsupported = "request_uri_not_supported"
)

// sendBack tells the client, by way of the browser, why it gets no code.
func (v *visit) sendBack(err error) {
	answer := url.Values{}
	if named, ok := errors.AsType[unsupported](err); ok {
		answer.Set("error", string(named))
		v.redirect(answer)
		return
	}
	refusal := issuing.AsRefusal(err)
	word, known := words[refusal.Reason]
	if !known {
		word = "server_error"
	}
	if !known || refusal.Reason == issuing.Unavailable {
		dialect.LogFailure(v.log, v.r, v.call, err)
	}
	answer.Set("error", word)
	if refusal.Description != "" && known {
		answer.Set("error_description", string(dialect.AppendDescription(nil, refusal.Description)))
	}
	v.redirect(answer)
}

// redirect leads the browser to the client, with what the client sent and who answers (RFC 9207). It is
// a 303 always, so that no form goes there (RFC 9700 §4.12).
func (v *visit) redirect(answer url.Values) {
	if v.request.state != "" {
		answer.Set(paramState, v.request.state)
	}
	answer.Set("iss", v.authorization.Issuer())
	uri := v.authorization.RedirectURI()
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	v.seeOther(uri + separator + answer.Encode())
}

// seeOther leads the browser elsewhere; a relative path is relative to that of the request, so that it
// stays within the tenant's.
func (v *visit) seeOther(location string) {
	v.w.Header().Set("Location", location)
	v.w.WriteHeader(http.StatusSeeOther)
}

// formTarget is the client's redirect URI as a Content-Security-Policy names it: what a form leads to
// counts there, too. A policy cannot name an address of IPv6, but the scheme.
func formTarget(uri string) string {
	scheme, rest, _ := strings.Cut(uri, ":")
	authority, found := strings.CutPrefix(rest, "//")
	if end := strings.IndexAny(authority, "/?"); end >= 0 {
		authority = authority[:end]
	}
	if !found || authority == "" || scheme != "https" && scheme != "http" || strings.Contains(authority, "[") {
		return scheme + ":"
	}
	return scheme + "://" + authority
}

// place is the client's redirect URI as a person may know it. Only https proves a host: in a private
// scheme whatever stands there is the application's own word.
func place(uri string) string {
	scheme, _, _ := strings.Cut(uri, ":")
	parsed, err := url.Parse(uri)
	switch {
	case scheme == "http":
		return "a program on this device"
	case scheme == "https" && err == nil && parsed.Host != "":
		return parsed.Host
	}
	return "the application " + scheme + " on this device"
}
