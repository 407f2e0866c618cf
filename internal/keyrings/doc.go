// Package keyrings is how tenants' keyrings are kept: one Secret each in the operator's namespace,
// named after the tenant's namespace and its uid. The leader makes them, every replica follows them
// into the directory.
//
// What must not enter: what the keys are for and how they are encoded (package keys), and when a
// keyring is made (package controllers).
package keyrings
