// Package pacing decides when something may be done that would do harm if it were done as often, or
// by as many at once, as it could be: a repair that somebody else undoes, a bundle that every Secret
// is to hold, ten thousand sessions that end in one second, a thousand tokens that are due after an
// outage.
//
// Every answer is a function of its arguments. What remembers them is the caller's.
//
// What must not enter: clocks (now is a parameter), randomness, waiting, and every Kubernetes package.
package pacing
