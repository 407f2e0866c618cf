package keystest

import (
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/grantkeeper/grantkeeper/internal/keys"
)

//go:embed testdata/keyring.json
var keyring string

// UID is the namespace uid of every Ring.
const UID = "0b6f3f0e-2f0c-4a57-9d6a-5f3c0a1e7c11"

// The ids of the fixture's ES256 keys that are not current.
const (
	StandbyES256 = "ZHdWn5eZK0KxxNmLRnjVA5j8RsHZqY6mk-oIOF0lT2Q"
	RetiredES256 = "ENf4a1SUjpmcBqB8jglienqr9Yw-zd-aZnSHCf5u96I"
	RevokedES256 = "5D30iR-yo5NxS1fWkugtYls7lOhtADRQCZBs3wviO44"
)

// T is what this package needs of a testing.TB. Asking for no more keeps package
// testing, and its flags, out of whatever imports this one by mistake.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Ring returns the fixed keyring as that of namespace and issuer. It holds a
// current and a standby key for ES256, RS256 and EdDSA, one retired and one
// revoked ES256 key, versions 1 and 2 of the refresh and the record key, and
// version 1 of the sealing key. Rings of two namespaces hold the same keys,
// which shows whether the namespace itself keeps tenants apart.
func Ring(t T, namespace, issuer string) *keys.Ring {
	t.Helper()
	document := strings.NewReplacer(
		`"NAMESPACE"`, quote(t, namespace), `"UID"`, quote(t, UID), `"ISSUER"`, quote(t, issuer),
	).Replace(keyring)
	ring, err := keys.Decode([]byte(document))
	if err != nil {
		t.Fatalf("decoding the test keyring: %v", err)
	}
	return ring
}

func quote(t T, text string) string {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatalf("quoting %q: %v", text, err)
	}
	return string(quoted)
}
