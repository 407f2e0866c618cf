package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

// introduction is what stands above the list.
//
//go:embed introduction.md
var introduction string

// page is docs/metrics.md.
func page(all []*metrics.Definition) []byte {
	var to strings.Builder
	to.WriteString(introduction)
	to.WriteString("\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, one := range all {
		fmt.Fprintf(&to, "| `%s` | %s | %s | %s |\n", one.Name, one.Type, labels(one), one.Help)
	}
	for _, one := range all {
		if len(one.Labels) == 0 {
			continue
		}
		fmt.Fprintf(&to, "\n### %s\n\n| label | values |\n|---|---|\n", one.Name)
		for _, label := range one.Labels {
			fmt.Fprintf(&to, "| `%s` | %s |\n", label.Name, label.Values)
		}
	}
	return []byte(to.String())
}

func labels(of *metrics.Definition) string {
	if len(of.Labels) == 0 {
		return "–"
	}
	names := make([]string, len(of.Labels))
	for i, label := range of.Labels {
		names[i] = "`" + label.Name + "`"
	}
	return strings.Join(names, ", ")
}
