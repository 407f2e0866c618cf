// Package issuing is the service that turns an authenticated request into a token or a refusal. The
// HTTP dialects and the grant controller call it, and nothing else mints: whatever a token may
// say is decided here, once.
//
// It looks things up in memory (package directory), proves passwords (package passwords), forms
// tokens (package tokens), and writes only what must be remembered (package store): a
// self-contained token costs no write at all.
//
// What must not enter: request parsing, answer shapes and status codes, which are each dialect's;
// Secrets and conditions, which are the controllers'.
package issuing
