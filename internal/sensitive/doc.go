// Package sensitive holds values that must never be printed: passwords,
// client secrets, tokens.
//
// The type exists so that forgetting to hide a secret is harmless. Every way
// by which a value usually reaches a log line, an error text, an Event, a
// condition or an HTTP body prints [REDACTED] instead; the plain text leaves
// only through Reveal, a name that a reviewer can search for.
//
// What must not enter: anything that produces, stores, hashes for storage or
// transports secrets. This room imports the standard library only, so that
// every other room may import it.
package sensitive
