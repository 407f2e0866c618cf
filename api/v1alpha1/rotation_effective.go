package v1alpha1

import (
	"fmt"
	"time"
)

// DefaultOverlap is how long a generated credential is good beside the one that replaced it, where
// overlap is absent and rotateEvery is not shorter.
const DefaultOverlap = 24 * time.Hour

// Rotation tells how often the password gives way to the next one, zero for never, and for how long it
// stays good after that. The error names the field that is no duration.
func (g *GeneratedPassword) Rotation() (every, overlap time.Duration, err error) {
	return rotationOf(g.RotateEvery, g.Overlap)
}

// Rotation tells how often the secret gives way to the next one, zero for never, and for how long it
// stays good after that. The error names the field that is no duration.
func (g *GeneratedSecret) Rotation() (every, overlap time.Duration, err error) {
	return rotationOf(g.RotateEvery, g.Overlap)
}

func rotationOf(rotateEvery, asked *Duration) (every, overlap time.Duration, err error) {
	overlap = DefaultOverlap
	if rotateEvery == nil {
		return 0, overlap, nil
	}
	if every, err = rotateEvery.Parse(); err != nil {
		return 0, 0, fmt.Errorf("rotateEvery: %w", err)
	}
	if asked != nil {
		if overlap, err = asked.Parse(); err != nil {
			return 0, 0, fmt.Errorf("overlap: %w", err)
		}
	}
	return every, min(overlap, every), nil
}
