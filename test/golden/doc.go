// Package golden holds bytes that are final to the files that they were first written to: tokens, names and
// Secrets that others keep or read. A test whose bytes change fails, and -update writes them anew, which is
// a breaking change.
//
// What must not enter: how the bytes of one room come about, and what of them is compared.
package golden
