// Package operator runs the real operator for tests, benchmarks and the demo: the binary as it is
// built for users, installed by the chart, with a token of the chart's ServiceAccount and never as
// an administrator.
//
// What must not enter: tests themselves, and anything that the operator would not see in a cluster.
package operator
