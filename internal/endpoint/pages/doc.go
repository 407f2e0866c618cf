// Package pages are what a person sees of the endpoint: the login page and the question whether a
// client may act for them, on the way to an authorization code (RFC 6749 §4.1 with RFC 7636, 9207 and
// 9700, and the parameters prompt and max_age of OpenID Connect). They need no script, and load
// nothing.
//
//	GET  /authorize   looks at the request and shows a page, or sends the browser back
//	POST /login       takes a password, and leads to /authorize; so does GET
//	POST /consent     takes an answer, and sends the browser back
//
// Nothing is kept between them: the request stands in the query of all three and is looked at each
// time. After a login the parameters that asked for one are left out of it; the client learns from
// auth_time when the password was given.
//
// A form counts only from this origin, with the cookie of the browser that it was sent to and with
// the token that follows from that cookie, the request and what the page showed of it: nobody else's
// page can log a browser in, or agree in a person's name.
//
// What must not enter: who may have what (package issuing), the token endpoint (package oauth), and
// anything of a request in a log.
package pages
