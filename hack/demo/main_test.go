package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMain is the stand-in for curl where it is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == curlName {
		main()
		return
	}
	os.Exit(m.Run())
}
