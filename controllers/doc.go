// Package controllers brings the cluster to what the objects ask for: one concern a file, each of
// the shape observe, decide, apply, status. They run on the leader only.
//
// Controllers are told of changes by the directory, and look everything up there: what a decision
// rests on is then what the endpoint serves. Every write is a patch or an update under the version
// that was read, or a create.
//
// What must not enter: minting tokens (package issuing), the rules of revisions (package revision),
// writing Secrets other than through package secretwriter.
package controllers
