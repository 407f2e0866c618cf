// Package passwords decides whether a presented password or client secret is
// right, at a cost that is bounded and the same for everyone who has to guess.
//
// A password attempt goes through four stages, in this order, whichever door
// it comes in by:
//
//	lockout   has this source, or the world, failed too often for this login?
//	cache     was exactly this password verified a moment ago?
//	workers   one hash at a time per worker
//	verdict   compared in constant time, counted, remembered if right
//
// # Equal work
//
// An attempt that the cache does not answer costs exactly one hash over the
// presented password, for a user with a password, a user without one and a
// login that nobody has, the first time as well as later.
//
// Passwords in clear text take one argon2id (19 MiB, two passes, one lane). They
// are held in a Secret and in this process, so a stored hash of them would
// protect nothing; making one on first use would cost a second argon2id, which
// tells a stopwatch that the login exists. Instead the result over the presented
// password is the key under which both texts are compared: no comparison without
// the work.
//
// Passwords of which only an imported hash is known take the hash that they were
// imported with, so their users can be told from the others by a stopwatch; what
// must not be told is whether they exist. An attempt without a password to
// compare with therefore takes the work of a Shape that whoever calls has chosen
// for the login: one that a user of the tenant has, as often as users have it,
// and always the same for one login. Seeing the work of a shape then makes it no
// likelier that the login exists.
//
// # Imported hashes
//
// What an imported hash may cost is capped where it is read. One that takes more
// than 19 MiB or several lanes is computed alone in the whole process, so that
// the memory for all hashes is at most that of all workers and 64 MiB.
//
// # Lockout
//
// Failures are counted for one login from one source: five are free, then each
// costs a wait, one second at first, doubling to five minutes, forgotten after
// an hour without failure or by a success. An attempt takes its place in the
// count before it is hashed, so that parallel attempts get no more tries than
// sequential ones; those that find no place wait for one. A ceiling for one
// login from all sources together lets through fifty failures and then one a
// minute, whatever succeeds in between. A source from which this login
// succeeded in the last seven days has such a ceiling to itself, so strangers
// cannot lock a person out of the places where that person usually is.
//
// All of it is the memory of one process: it starts empty, is not shared
// between replicas, and is bounded. Each of the three tables, of failing
// sources, of ceilings and of familiar sources, forgets its least recently used
// entry beyond Options.Records; only an attempt that takes a place in the
// bounded queue of a tenant makes an entry, so the hash's own cost is the price
// of pushing one out.
//
// What must not enter: where users and Secrets come from, whether a user is
// enabled, and what a refusal looks like on the wire.
package passwords
