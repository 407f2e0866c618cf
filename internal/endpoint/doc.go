// Package endpoint is the HTTPS server that every replica runs: the listener and its limits, TLS
// with a certificate that changes while connections are open, the route table under which dialects
// are mounted for every tenant, and what all requests share (identifiers, client addresses, pages
// of other origins, access log, metrics, panics, health, key sets).
//
// Dialects live in the folders below and hand in their routes; this package knows none of them. What
// a token means, who may have one and what an error looks like on the wire must not enter here.
package endpoint
