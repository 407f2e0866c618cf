package gen

import "iter"

// Collect lists what a sequence gives until it fails.
func Collect[T any](all iter.Seq2[T, error]) (collected []T, err error) {
	for one, err := range all {
		if err != nil {
			return collected, err
		}
		collected = append(collected, one)
	}
	return collected, nil
}
