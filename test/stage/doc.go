// Package stage is what tests of a running operator stand on: a client as a person has one, waits
// for conditions, a recorder that holds every Secret to the promises, and lines and proxies by which
// the API server is lost, slowed down or made to refuse.
//
// What must not enter: a test's own story, and anything that one package of tests alone needs.
package stage
