// Package keystest gives tests a keyring that is the same in every run, so that
// tokens and names made with it can stand in golden files.
//
// Its private keys are public: they are checked in beside this file. Only test
// files may import the package, and nothing but fixtures belongs in it.
package keystest
