package freshness

import "k8s.io/apimachinery/pkg/util/resourceversion"

// HasReached tells whether what is at a resource version shows what was written under another one of its
// kind. A version that cannot be compared counts as too old.
func HasReached(version, written string) bool {
	order, err := resourceversion.CompareResourceVersion(version, written)
	return err == nil && order >= 0
}
