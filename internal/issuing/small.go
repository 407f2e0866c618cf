package issuing

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// earliest is the first of several ends, zero where there is none.
func earliest(ends ...*metav1.Time) (first time.Time) {
	for _, end := range ends {
		if end != nil && (first.IsZero() || end.Time.Before(first)) {
			first = end.Time
		}
	}
	return first
}

func join(first, last string) string { return strings.TrimSpace(first + " " + last) }

// subset keeps of wanted what all holds, and lists the rest; nothing wanted means all of it.
func subset(wanted, all []string) (kept, beyond []string) {
	if len(wanted) == 0 {
		return all, nil
	}
	for _, one := range wanted {
		switch {
		case !slices.Contains(all, one):
			beyond = append(beyond, one)
		case !slices.Contains(kept, one):
			kept = append(kept, one)
		}
	}
	return kept, beyond
}
