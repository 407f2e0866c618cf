// Package rollout decides when a workload is restarted because a token that its pods read at their
// start has been replaced.
//
// The decision is a function of the revisions of the grants that name the workload, of what the
// workload itself records, and of the time. Nothing else is remembered: whoever decides again, after a
// crash or on another replica, comes to the same.
//
// What must not enter: reading or writing a workload, clocks (now is a parameter), and every Kubernetes
// package.
package rollout
