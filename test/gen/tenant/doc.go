// Package tenant runs the token service of one tenant in a test: the real service with its real
// directory, on a clock that the test turns. Memory gives one without an API server, for what needs
// no write; Live gives one on a control plane, with informers that feed the directory.
//
// What must not enter: dialects, and any stand-in for a part of the service. Only the clock and, in
// memory, the source of randomness are the test's own.
package tenant
