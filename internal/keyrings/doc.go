// Package keyrings is how tenants' keyrings are kept: one Secret each in the operator's namespace,
// named after the tenant's namespace and its uid. The leader makes and rotates them, every replica
// follows them into the directory. Whoever may write Secrets there may bring any: what is taken for a
// tenant's keyring follows from the uid that its namespace has, and from label, annotation, name and
// content agreeing with it.
//
// What must not enter: what the keys are for and how they are encoded (package keys), and when a
// keyring is made (package controllers).
package keyrings
