// Package scopes decides which scopes a holder has: the matcher behind the
// scopes of users and clients, the scope claim of OAuth access tokens and the
// acl of wazo tokens.
//
// There is one pattern language and there are two questions. Allows is the
// OAuth question: may this concrete scope be granted? Permits is the question
// of the wazo dialect: does this token, of this user and this session, carry
// the required access? A pattern has a handful of wildcards (MaxWildcards), and
// either question takes time proportional to their number and to the length of
// the text, at worst times the length of the longest literal between them. So
// no pattern takes long; how many there are, and how many questions one request
// may ask, is for the callers to bound.
//
// A pattern is text in which
//
//   - * stands for any run of characters, also an empty one, without '.' and '#';
//   - # stands for any run of characters, also an empty one;
//   - a leading ! makes the pattern a denial, and a denial always wins;
//   - for Permits only, a whole segment (between two '.', or a '.' and an end)
//     that reads me, my_session or edit also stands for the token's user, the
//     token's session, or the word update;
//   - everything else stands for itself, case included, and the whole text has
//     to match.
//
// What must not enter: where patterns come from and what a refusal looks like
// on the wire. The room is pure: no clock, no I/O, no regular expressions.
package scopes
