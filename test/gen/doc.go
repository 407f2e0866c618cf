// Package gen builds the objects that tests are about. A builder without modifiers gives the
// smallest object that the API server takes and that is ready to be used; a modifier says what is
// special about this one, so that a test shows what matters to it and nothing else:
//
//	gen.AuthUser("alice", gen.UserScopes("orders:*"), gen.Disabled())
//
// What is unique to an object (subjects, grant ids) follows from its name, so that two tests agree
// and golden files stay. Modifiers are plain functions of the object; for what only one test needs,
// write one in place.
//
// What must not enter: control planes, services and clocks (see package tenant), and anything that
// reads or writes.
package gen
