// Package faults breaks what the operator stands on, one thing at a time, and measures what of its
// promises holds: each test is one row of docs/reliability.md, with the figure that it logs. They take
// minutes and are `make test-faults`, not `make test`.
//
// What must not enter: tests of what the operator does while nothing is broken (see test/operator).
package faults
