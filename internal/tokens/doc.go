// Package tokens writes and reads every token of the program: self-contained
// access tokens, reference tokens and their sealed sessions, refresh tokens,
// authorization codes and the cookies of browsers. It knows forms, signatures
// and MACs; whom a token is given to, for how long, and whether it still counts
// is decided elsewhere.
//
// What must not enter: the clock, the network, Kubernetes, decisions about
// users, clients and grants. Time and randomness are parameters.
//
// # Self-contained access tokens
//
// A JWS in compact serialization (RFC 7515 §7.1), deterministic for each of the
// algorithms. The header is
//
//	{"alg":…,"kid":…,"typ":"at+jwt"}
//
// with "wazo+jwt" in the wazo dialect. The claims, in this order and without
// white space:
//
//	iss sub aud exp iat nbf jti client_id   client_id only where there is one
//	scope                                   OAuth2, unless empty: space-separated
//	acl                                     wazo, also when empty: an array
//	sid                                     "<grant id>.<epoch>", where there is a grant,
//	                                        and ".<namespace>" where it is in another one
//	auth_time cv                            where the token stems from a login
//	name given_name family_name email email_verified   OAuth2, where granted
//
// aud is a string where there is one audience and an array where there are
// several. Times are whole seconds. In strings only the quote, the backslash and
// the control characters are escaped, the latter as \u00xx in lower case.
//
// Reading is the exact inverse of writing: what Verify and OpenSession accept
// would be written again as the same bytes. A claim that this program does not
// know makes a token invalid, because a claim may well restrict.
//
// # Sessions
//
// A reference token is a version 4 UUID. It stands for an object whose name is
// keys.Name("session", token) and whose record is
//
//	{"dialect":…, the claims as above, "mobile":true, "user_agent":…, "remote_addr":…}
//
// the last three only where they say something, sealed as package keys describes.
//
// # Refresh tokens
//
//	<grant id>.<epoch>.<generation>.<key version>.<MAC>
//	<grant id>.<epoch>.<generation>.<key version>.<namespace>.<MAC>
//
// The second is that of a grant in another namespace than the tenant. The grant id is a UUID in lower case and the numbers are decimals in their
// shortest form. The MAC, in base64url, is that of two parts under the given
// version of the refresh key: the tenant's namespace, and everything before the
// last dot.
//
// # Authorization codes and cookies
//
// Both are records in base64url, sealed as package keys describes a value, for the
// purposes authorization-code and browser-session:
//
//	{"id":…, "client_id":…, "redirect_uri":…, "redirect_sent":true, "code_challenge":…,
//	 "scope":…, "aud":[…], "sub":…, "cv":…, "auth_time":…, "exp":…}
//	{"id":…, "exp":…, "sub":…, "cv":…, "auth_time":…}
//
// code_challenge and scope are left out where they are empty, and the last three
// members of a cookie where nobody has logged in.
package tokens
