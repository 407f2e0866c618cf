// Package store keeps what the token endpoint must remember in Kubernetes objects: reference tokens
// as AuthSessions, early deaths as TokenRevocations, the grants behind refresh tokens, and the users
// that are made over HTTP. It reads and writes the API server directly, never a cache: whoever asks here
// needs the answer to hold across replicas, and etcd's create is the lock. Sessions alone looks into memory
// first: they are asked for with every request.
//
// What must not enter: other lookups that memory can answer (see package directory) and any decision
// about who may do what (see packages issuing and accounts).
package store
