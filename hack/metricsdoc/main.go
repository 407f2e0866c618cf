// Command metricsdoc writes docs/metrics.md, the list of all metrics, to its standard output.
package main

import (
	"fmt"
	"os"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

func main() {
	if _, err := os.Stdout.Write(page(metrics.All())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
