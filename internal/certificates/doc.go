// Package certificates holds the operator's own certificate authority and the certificate that the
// endpoint serves with: what they look like, how they lie in their Secret, and the rules by which
// they follow each other without a client ever seeing one that it cannot check.
//
// A client trusts what stands in the distributed bundle, ca.crt. So an authority is published long
// before it signs, and it stays published until the last certificate that it signed has expired.
//
// The rules are pure. Reading and writing the Secret, watching it, and TLS itself must not enter.
package certificates
