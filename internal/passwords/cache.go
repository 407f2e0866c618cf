package passwords

import "time"

// cache remembers which passwords were verified a moment ago. An entry is named
// by a digest over the tenant, the subject, the current password and the
// presented one, so a password that changes is another entry: the old one is
// never asked for again. Only right passwords enter.
type cache struct {
	ttl   time.Duration
	until table[time.Time] // from which on an entry no longer counts
}

func newCache(ttl time.Duration, size int) *cache {
	return &cache{ttl: ttl, until: newTable[time.Time](size)}
}

func (c *cache) remember(proof digest, now time.Time) {
	c.until.put(proof, now.Add(c.ttl))
}

// find returns the index of the first proof that counts, or noMatch.
func (c *cache) find(proofs []digest, now time.Time) int {
	for i, proof := range proofs {
		if until, ok := c.until.get(proof); ok && now.Before(until) {
			return i
		}
	}
	return noMatch
}
