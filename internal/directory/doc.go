// Package directory is the read model: the users, clients, grants, sessions, revocations, labelled
// Secrets and keyrings of every tenant, indexed the way a request looks them up. Informers feed it,
// so a lookup costs no API call and every replica can answer. Package store also tells it of the sessions
// that it writes, and package issuing of what it has just revoked or deleted: this replica knows at once.
//
// A row is the informer's own object and is never changed; a change replaces the row. Whoever holds
// one keeps a consistent view of it for as long as it likes. Controllers subscribe to the directory
// rather than to the informers, so a reconcile never runs ahead of what it looks up here.
//
// It also knows what checking each user's password costs, so that an attempt for a login that nobody has
// can be made to cost the same (Tenant.PasswordShape).
//
// What must not enter: writes to the API server, live reads (see package store), and decisions that
// need more than the rows themselves.
package directory
