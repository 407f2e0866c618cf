package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

func TestThePageIsUpToDate(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), string(page(metrics.All()))); diff != "" {
		t.Errorf("docs/metrics.md: run `make generate` (-committed +generated):\n%s", diff)
	}
}
