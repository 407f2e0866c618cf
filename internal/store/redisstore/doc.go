// Package redisstore keeps reference tokens in a Redis or Valkey server, for tenants with more of them
// than etcd should hold: see store.Sessions for the other place. A session is one string, named by the
// digest of its token and expiring by itself; what it stands for is sealed like in Kubernetes, and
// whoever reads the server learns no token. Sorted sets find sessions by what they belong to; the expiry
// is the score, so that what has ended is trimmed whenever a set is used.
//
// Every call is bounded and made once. While the server is away nothing is known, which is an error and
// never an answer.
//
// What must not enter: Kubernetes, opening of seals, and any decision about who may do what.
package redisstore
