// Package dialect is what the dialects and the pages of a login read and tell alike: they never import each
// other.
//
// What must not enter: routes and answers.
package dialect
