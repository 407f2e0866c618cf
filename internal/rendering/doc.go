// Package rendering makes what a grant's Secret holds, from the values of one token and from what the
// grant's target asks for: plain keys, files in common formats (Env, Kubeconfig, DockerConfig), texts
// from Go templates, and the labels and annotations of the Secret.
//
// It never makes less than it can. Each key of the Secret is made by itself; one that cannot be made
// is a Problem, keeps the bytes that it has, and holds up no other, so that a broken template never
// keeps a fresh token from the workloads that do not read it. Only what templates may spend is shared
// by all of a grant.
//
// Templates are the one program in this product that its users write. Package text/template carries
// them out, after an inspection that lets through only what ends: how many steps a template takes is
// counted before the first of them, every function pays for the text that it reads and makes, and
// nothing in reach knows a file, an environment, a network, a clock or a random number. Equal values
// give equal bytes, which is what keeps the operator from writing a Secret over and over.
//
// What must not enter: minting tokens, reading and writing Secrets, clocks, and when to render.
// Errors name a field, a line and a column, and never hold a value of the token: they are those of a
// template whose tokens have been replaced, so that not even the place is a token's choice.
package rendering
