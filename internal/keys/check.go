package keys

import (
	"errors"
	"fmt"
)

// check holds the rules between the members of a keyring.
func (r *Ring) check() error {
	if r.tenant.Namespace == "" || r.tenant.UID == "" || r.tenant.Issuer == "" {
		return errors.New("tenant: namespace, uid and issuer are all required")
	}
	if err := checkSigning(r.signing); err != nil {
		return err
	}
	if err := checkVersions("refreshKeys", r.refresh); err != nil {
		return err
	}
	if err := checkVersions("recordKeys", r.record); err != nil {
		return err
	}
	return checkVersions("sealingKeys", r.sealing)
}

// checkSigning wants one current key for each algorithm that can still sign: a
// standby without one would be waiting for nobody, and of two nobody could tell
// which is next.
func checkSigning(signing []*SigningKey) error {
	seen := map[string]bool{}
	current, standby := map[Algorithm]int{}, map[Algorithm]int{}
	for i, key := range signing {
		if seen[key.ID] {
			return fmt.Errorf("signingKeys[%d].id: the key is there twice", i)
		}
		seen[key.ID] = true
		switch key.State {
		case Current:
			current[key.Algorithm]++
		case Standby:
			standby[key.Algorithm]++
		}
	}
	if len(current) == 0 {
		return errors.New("signingKeys: no current key")
	}
	for i, key := range signing {
		switch {
		case key.State == Standby && current[key.Algorithm] == 0:
			return fmt.Errorf("signingKeys[%d].state: a standby for %s without a current key", i, key.Algorithm)
		case key.State == Current && current[key.Algorithm] > 1:
			return fmt.Errorf("signingKeys[%d].state: more than one current key for %s", i, key.Algorithm)
		case key.State == Standby && standby[key.Algorithm] > 1:
			return fmt.Errorf("signingKeys[%d].state: more than one standby for %s", i, key.Algorithm)
		}
	}
	return nil
}

func checkVersions(field string, list []symmetric) error {
	if len(list) == 0 {
		return fmt.Errorf("%s: none", field)
	}
	seen := map[int32]bool{}
	for i, key := range list {
		if key.version < 1 {
			return fmt.Errorf("%s[%d].version: below 1", field, i)
		}
		if seen[key.version] {
			return fmt.Errorf("%s[%d].version: there twice", field, i)
		}
		seen[key.version] = true
	}
	return nil
}
