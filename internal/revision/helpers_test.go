package revision_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/revision"
)

const (
	currentKey  = "key-current"
	replacedKey = "key-replaced"
	revokedKey  = "key-revoked"
)

// epoch is the second at which the tests' first token is issued.
var epoch = time.Date(2026, time.March, 1, 9, 0, 0, 0, time.UTC)

// after is an instant counted from epoch.
func after(d time.Duration) time.Time { return epoch.Add(d) }

func ask(mods ...func(*revision.Ask)) revision.Ask {
	a := revision.Ask{
		Dialect:   "oauth2",
		Issuer:    "https://auth.example.com",
		Subject:   "6f1c0f2e-6a7c-4d3b-9d35-0f0a4c7d9a11",
		ClientID:  "billing",
		Audiences: []string{"https://orders.example.com"},
		Scopes:    []string{"orders:read"},
		Format:    revision.FormatJWT,
		Algorithm: "ES256",
		TTL:       time.Hour,
		GrantID:   "353fefa1-5b0e-4a0e-8f2c-3d8e3b6a9c01",
		Epoch:     1,
	}
	for _, mod := range mods {
		mod(&a)
	}
	return a
}

func notAfter(t time.Time) func(*revision.Ask) {
	return func(a *revision.Ask) { a.NotAfter = t }
}

func reference(a *revision.Ask) { a.Format, a.Algorithm = revision.FormatReference, "" }

// tokenID stands in for the tenant's record key.
func tokenID(issuedAt time.Time, digest [sha256.Size]byte) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "record key|%d|%x", issuedAt.Unix(), digest))
	return hex.EncodeToString(sum[:16])
}

// issued is the token that the Ask gives at the instant.
func issued(a revision.Ask, number int64, at time.Time, keyID string) *revision.Token {
	return &revision.Token{
		Revision:  number,
		ID:        tokenID(at, a.Digest(at)),
		KeyID:     keyID,
		IssuedAt:  at,
		ExpiresAt: a.ExpiresAt(at),
	}
}

func input(a revision.Ask, mods ...func(*revision.Input)) *revision.Input {
	in := &revision.Input{
		Ask:          a,
		TokenID:      tokenID,
		SigningKeyID: currentKey,
		KeyUsable:    func(keyID string) bool { return keyID == currentKey || keyID == replacedKey },
		Revoked:      func(string) bool { return false },
	}
	if a.Format == revision.FormatReference {
		in.SigningKeyID = ""
	}
	for _, mod := range mods {
		mod(in)
	}
	return in
}

func found(t *revision.Token) func(*revision.Input) {
	return func(in *revision.Input) { in.Found = t }
}

func recorded(t *revision.Token) func(*revision.Input) {
	return func(in *revision.Input) { in.Recorded = t }
}

func revoked(ids ...string) func(*revision.Input) {
	return func(in *revision.Input) {
		in.Revoked = func(id string) bool { return slices.Contains(ids, id) }
	}
}

// renewal is when the token is due with the default renewBefore.
func renewal(a revision.Ask, t *revision.Token) time.Time {
	at, ok := a.RenewalTime(*t, revision.RenewBefore(a.TTL, 0, 0))
	if !ok {
		panic("the token is final")
	}
	return at
}
