package v1alpha1

import (
	"fmt"
	"regexp"
	"time"
)

// Duration is a GEP-2257 duration such as 1h30m: up to four groups of at most five digits, each
// with a unit. Lifetimes here are whole seconds, so the unit ms is refused. It stays the string
// that was written, so that an applied value reads back unchanged.
//
// +kubebuilder:validation:MinLength=2
// +kubebuilder:validation:MaxLength=28
// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,5}(h|m|s)){1,4}$')`,message="must be a duration in whole seconds such as 90s, 20m or 1h30m (GEP-2257)"
// +kubebuilder:validation:XValidation:rule=`!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1s')`,message="must be at least 1s"
type Duration string

// durationSyntax is the syntax that the API server enforces too.
var durationSyntax = regexp.MustCompile(`^([0-9]{1,5}(h|m|s)){1,4}$`)

// Parse returns the length of the duration: whole seconds, at least one, at most 399,996 hours.
// The error quotes the value, which is never a secret.
func (d Duration) Parse() (time.Duration, error) {
	if !durationSyntax.MatchString(string(d)) {
		return 0, fmt.Errorf("duration %q is not of the form 1h30m in whole seconds", string(d))
	}
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", string(d), err)
	}
	if parsed < time.Second {
		return 0, fmt.Errorf("duration %q is shorter than 1s", string(d))
	}
	return parsed, nil
}
