// Package app puts the operator together: options, the manager, one cache for each tenant, the
// endpoint and the controllers. It is the only room that knows all the others.
//
// What must not enter: behaviour. Whatever can be decided or tested by itself belongs below.
package app
