// Package metrics is what the operator tells a Prometheus about itself: the one list of all its
// metrics, from which docs/metrics.md is made, the counters that other rooms move, and the collectors
// that look at the read model when they are asked.
//
// Counters are resolved when they are made, so that moving one costs a request neither a lookup nor
// an allocation. A nil set of counters counts nothing, for whoever has no use for it.
//
// What must not enter: a label whose values follow from users, clients, grants or tokens, and any
// decision. A namespace is a label only of gauges that are one for a tenant: tenants are as many as
// the namespaces that are watched.
package metrics
