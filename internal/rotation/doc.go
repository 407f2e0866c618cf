// Package rotation decides when a generated credential gives way to the next one, and for how long the
// one before stays good beside it. All of it follows from the seconds in which the two were made, which
// the Secret and the status both keep, so that every replica and every new leader decides the same.
//
// What must not enter: the credentials themselves, where the seconds are kept, and the clock.
package rotation
