// Package v1alpha1 holds the kinds of the API group auth.grantkeeper.dev: what a person, a GitOps
// tool or the operator's own endpoint writes to the API server, and what the operator answers in
// status.
//
// In this room: types, their validation markers, the names of labels, annotations, conditions and
// reasons, and small pure accessors that turn an absent field into its documented default. A
// computed default is never stored in a spec: what is absent stays absent, the accessor or the
// status says what it means.
//
// Not in this room: clients, caches, clocks, random numbers, cryptography, or anything that only
// the operator's own rooms need. The package imports apimachinery and the standard library alone,
// so that any program can import it.
//
// +kubebuilder:object:generate=true
// +groupName=auth.grantkeeper.dev
package v1alpha1
