// Package freshness is the rule of how old a replica's view of the cluster may be. A watch that has
// stalled says nothing, and neither does one of a namespace where nothing happens. So the API server is
// asked now and then what version it is at; the view is as new as the newest such question that every
// watch has caught up with. The same comparison of versions tells whether a row shows what was written.
//
// What must not enter: asking, watching, and clocks (package app does these), and what a replica
// refuses to do when its view is too old (package issuing).
package freshness
