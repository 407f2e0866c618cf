// Package revision decides what a grant's target Secret should hold at a given
// instant: the token that is there, the same token once more, a new one, or
// nothing new at all.
//
// The decision is a pure function of what spec, user, client and keys ask for
// today, of the token that was found, and of the time. Nothing else is
// remembered. The id of a token commits to everything that fixes its bytes, so
// comparing an id that is recomputed from today's inputs with the id that was
// found answers "is this still what is asked for" without a stored copy of the
// inputs. The iat of a scheduled revision follows from the token before it, so
// two deciders that do not know of each other, a leader and its successor say,
// arrive at the same bytes.
//
// What must not enter: reading or writing anything, signing, clocks (now is a
// parameter), randomness, and every Kubernetes package. Whoever calls gathers
// the facts first and carries the decision out afterwards.
package revision
