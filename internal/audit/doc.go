// Package audit is the operator's audit log: one line of JSON for whatever was issued, refused or
// ended, for what HTTP did to users and for what became of keys, to be kept apart from the log that
// tells how the operator fares.
//
// A line is a Record and nothing else: a list of fields with a meaning each, none of which takes a
// secret, and an Event out of a closed list. What a stranger merely claims to be, an unknown login or
// client_id, may be a password typed into the wrong box: it enters as a pseudonym only.
//
// Whoever records never waits. Lines go through a bounded queue to one writer; when the place they are
// written to is too slow or gone, lines are dropped, counted, and the gap is told in the log itself as
// soon as it can be written again. Refusals, which anybody can cause, are bounded for each tenant, and
// those beyond are counted in the log.
//
// What must not enter: decisions, and lines for checks of tokens that succeed, which are too many.
package audit
