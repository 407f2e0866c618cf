// Command bench measures Grantkeeper against the figures that it has to reach, and ends with one
// table of them. Every figure is a ratio or a count: what is measured runs side by side, in turns,
// on the same machine, with the least that any program would have to do for the same. So the table
// says the same on a slow machine and, within the spread it shows, on a busy one.
//
//	bench [flags]
//
// It runs the operator as it is built for users, installed by the chart on a real control plane.
// A figure that is missed is no failure: this measures, and tests test. It needs Linux, whose
// /proc tells what CPU a process has used.
//
// What must not enter: a time limit that makes it fail, and absolute figures with a target.
package main
