// Package oauth is the OAuth 2.0 dialect of the endpoint: the token endpoint of RFC 6749 with the
// grant types authorization_code (and RFC 7636), password, refresh_token and client_credentials and
// the resource parameter of RFC 8707, and the metadata of RFC 8414. It reads forms and credentials
// off the wire, asks package issuing, and prints what that says in the words of the RFCs.
//
// Where the RFCs leave a choice, or say nothing:
//
//   - invalid_client is 401 with a Basic challenge however the client tried: every 401 needs one
//     (RFC 9110 §15.5.2), and Basic is what every client may try next.
//   - A lockout is 429 with Retry-After and the error invalid_grant. That is the word by which
//     clients know that this login got no token, Keycloak's brute-force answer included; status
//     and header add that waiting helps. The password was not looked at.
//   - A user with too many sessions or grants gets 429 and temporarily_unavailable: the
//     credentials are good, so a client must not drop them.
//   - What cannot be found out or remembered now is 503 and temporarily_unavailable, which RFC 6749
//     §4.1.2.1 defines and clients of the token endpoint know.
//   - A client_id in the form beside Basic credentials is no second authentication, as long as it
//     is the same; a client_secret is.
//   - Parameters in the request's query are not read.
//
// What must not enter: who may have which token (package issuing), the wazo dialect, and anything
// of a request in a log.
package oauth
