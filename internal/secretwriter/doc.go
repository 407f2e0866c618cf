// Package secretwriter is the only room that writes Secrets: tokens of grants,
// generated credentials, password hashes, keyrings, serving certificates.
//
// It keeps three promises. A Secret that cannot be shown to be ours is never
// changed, not even to add a label. Every write names the version it is based
// on: a Create where nothing was read, else an Update under the resourceVersion
// that was read; whoever lost the race gets the live object and decides anew.
// And data is wholly ours, metadata is shared: keys that others add to the data
// go, their labels, annotations and owners stay.
//
// Each of its callers says which Secret is whose. Only that of a password over
// HTTP has two, package accounts and a controller, and so is described here.
//
// What must not enter: what the data means, when to write it, retries and
// status. No value of a Secret's data is logged or put into an error here.
package secretwriter
