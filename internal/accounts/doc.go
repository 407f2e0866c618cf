// Package accounts makes, replaces and deletes users over HTTP, and gives them other passwords. What it
// writes are AuthUsers, which kubectl shows as any other, and a Secret with the hash of each password;
// a password in clear text is written nowhere.
//
// It looks users up in memory (package directory), proves passwords as a login does (package issuing),
// and writes past every cache (packages store and secretwriter). A method returns when this replica sees
// what was written; the others see it when their watch brings it.
//
// Whether the operator may write users at all is RBAC's to say: without it the API server refuses, and
// so does this package.
//
// What must not enter: tokens, request parsing, answer shapes and status codes.
package accounts
