// Package process runs the programs that tests and the demo need beside them, and makes sure that
// none outlives whoever started it: a test binary that is killed, or ended by its own timeout,
// leaves nothing behind.
//
// What must not enter: what the programs are. It signals only what it has started, and only by the
// handle that started it.
package process
