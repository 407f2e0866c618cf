// Package wazo is the wazo dialect of the endpoint: the routes of wazo-auth for tokens, refresh tokens,
// sessions, users and tenants, whose clients and verifying services work unchanged. It reads JSON, queries
// and credentials off the wire, asks package issuing, and prints what that says in wazo's shapes.
//
// A protected route names the access that it needs in the one table that mounts it (API.protected), and
// its handler is called for those alone who have it. docs/wazo-compatibility.md goes through the contract
// line by line.
//
// Where the contract leaves a choice, or says nothing:
//
//   - A request that is no JSON at all (no body, a form, malformed) gets the framework's error shape;
//     JSON that says something wrong gets that of the token routes, and so does everything after.
//   - The body is looked at before the credentials.
//   - JSON that is neither an object nor one of the values that count as an empty one is a 400.
//   - A scope or a tenant that stands in a query twice is demanded twice: who asks for two things is
//     never told yes for one of them.
//   - What cannot be found out now is 503, also on GET and HEAD: a verifying service must not take
//     an outage for a token that is gone.
//   - A tenant that does not exist is a path that does not exist.
//   - On a protected route the path is looked at first, then the token, then the body.
//   - A list parameter that is there twice is a 400, and so is one that cannot be read.
//
// What must not enter: who may have which token (package issuing), the OAuth 2.0 dialect, and
// anything of a request in a log.
package wazo
