package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestEncodeGivesBackWhatDecodeRead(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := json.Compact(&want, testDocument(t)); err != nil {
		t.Fatal(err)
	}
	got, err := testRing(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("the document changed:\n%s\nwant\n%s", got, want.Bytes())
	}
}

func TestAGeneratedRingReadsBack(t *testing.T) {
	t.Parallel()
	ring, err := Generate(rand.Reader, testNow, testTenant, allAlgorithms)
	if err != nil {
		t.Fatal(err)
	}
	data, err := ring.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.JWKS(), ring.JWKS()) || back.Tenant() != ring.Tenant() {
		t.Error("another ring came back")
	}
	if got, want := back.TokenID(testGrant, 1, testNow, [32]byte{}), ring.TokenID(testGrant, 1, testNow, [32]byte{}); got != want {
		t.Errorf("token id %q, want %q", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	var compacted bytes.Buffer
	if err := json.Compact(&compacted, testDocument(t)); err != nil {
		t.Fatal(err)
	}
	document, ring := compacted.String(), testRing(t)
	replace := func(old, replacement string) string {
		if !strings.Contains(document, old) {
			t.Fatalf("the fixture does not hold %q", old)
		}
		return strings.Replace(document, old, replacement, 1)
	}
	es256 := testSigner(t, ring, ES256)
	encoded := base64.StdEncoding.EncodeToString
	refreshKeys := regexp.MustCompile(`"refreshKeys":\[.*?\]`).FindString(document)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ document, want string }{
		"nothing":                    {``, `EOF`},
		"null":                       {`null`, `formatVersion`},
		"a list":                     {`[]`, `wrong type`},
		"text that is no JSON":       {`secret`, `not JSON at byte 1`},
		"a document cut short":       {document[:len(document)/2], `EOF`},
		"something after":            {document + `{}`, `more after the document`},
		"garbage after":              {document + `x`, `more after the document`},
		"no format version":          {replace(`"formatVersion":1,`, ``), `formatVersion: 0`},
		"a later format version":     {replace(`"formatVersion":1`, `"formatVersion":3`), `formatVersion: 3`},
		"format 2 without since":     {replace(`"formatVersion":1`, `"formatVersion":2`), `signingKeys[0].since`},
		"format 1 with since":        {replace(`"privateKey"`, `"since":"2026-01-02T03:04:05Z","privateKey"`), `one form`},
		"more than any keyring has":  {document + strings.Repeat(" ", MaxDocument), `bytes`},
		"too many signing keys":      {replace(`"signingKeys":[`, `"signingKeys":[`+strings.Repeat(`{},`, MaxSigningKeys)), `signingKeys: more than`},
		"two standby keys":           {replace(`"Retired"`, `"Standby"`), `more than one standby`},
		"an unknown member":          {replace(`"tenant"`, `"tenants"`), `unknown field "tenants"`},
		"an unknown member inside":   {replace(`"algorithm"`, `"alg"`), `unknown field "alg"`},
		"a member twice":             {replace(`"uid":"UID"`, `"uid":"UID","uid":"UID"`), `one form`},
		"a member in another case":   {replace(`"uid"`, `"UID"`), `one form`},
		"members in another order":   {replace(`"uid":"UID","issuer":"ISSUER"`, `"issuer":"ISSUER","uid":"UID"`), `one form`},
		"a wrong type":               {replace(`"issuer":"ISSUER"`, `"issuer":1`), `tenant.issuer: wrong type`},
		"no namespace":               {replace(`"NAMESPACE"`, `""`), `tenant`},
		"no uid":                     {replace(`"UID"`, `""`), `tenant`},
		"no issuer":                  {replace(`"ISSUER"`, `""`), `tenant`},
		"no signing keys":            {withoutList(document, "signingKeys"), `signingKeys: no current key`},
		"a key id of another key":    {replace(es256.ID, testSigner(t, ring, RS256).ID), `signingKeys[0].id`},
		"a key twice":                {doubled(document), `signingKeys[1].id: the key is there twice`},
		"an unknown algorithm":       {replace(`"ES256"`, `"HS256"`), `signingKeys[0].algorithm`},
		"the wrong algorithm":        {replace(`"ES256"`, `"RS256"`), `signingKeys[0].privateKey`},
		"a key on another curve":     {replace(encoded(es256.der), encoded(pkcs8(t, p384))), `signingKeys[0].privateKey`},
		"an unknown state":           {replace(`"Current"`, `"current"`), `signingKeys[0].state`},
		"a standby without current":  {replace(`"Current"`, `"Retired"`), `signingKeys[1].state`},
		"two current keys":           {replace(`"Standby"`, `"Current"`), `signingKeys[0].state`},
		"no current key":             {strings.NewReplacer(`"Current"`, `"Retired"`, `"Standby"`, `"Retired"`).Replace(document), `no current key`},
		"a private key not base64":   {replace(encoded(es256.der), `!`), `signingKeys[0].privateKey: not base64`},
		"a private key of no form":   {replace(encoded(es256.der), `AAAA`), `signingKeys[0].privateKey`},
		"a time that is none":        {replace(`2026-01-02T03:04:05Z`, `yesterday`), `signingKeys[0].createdAt`},
		"a time in another zone":     {replace(`2026-01-02T03:04:05Z`, `2026-01-02T04:04:05+01:00`), `one form`},
		"a time with a fraction":     {replace(`2026-01-02T03:04:05Z`, `2026-01-02T03:04:05.5Z`), `one form`},
		"no refresh keys":            {withoutList(document, "refreshKeys"), `refreshKeys: none`},
		"no record keys":             {withoutList(document, "recordKeys"), `recordKeys: none`},
		"no sealing keys":            {withoutList(document, "sealingKeys"), `sealingKeys: none`},
		"a version twice":            {replace(refreshKeys, strings.Replace(refreshKeys, `"version":2`, `"version":1`, 1)), `refreshKeys[1].version`},
		"a version of zero":          {replace(refreshKeys, strings.Replace(refreshKeys, `"version":1`, `"version":0`, 1)), `refreshKeys[0].version`},
		"a version past 32 bits":     {replace(`"version":1`, `"version":4294967297`), `version: wrong type`},
		"a key of 31 bytes":          {replace(encoded(ring.refresh[0].secret[:]), encoded(make([]byte, 31))), `refreshKeys[0].key`},
		"a key that is not base64":   {replace(encoded(ring.record[1].secret[:]), `secret`), `recordKeys[1].key`},
		"a symmetric key made never": {replace(refreshKeys, strings.Replace(refreshKeys, `2026`, `1926-`, 1)), `refreshKeys[0].createdAt`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoded, err := Decode([]byte(tc.document))
			if err == nil {
				t.Fatalf("decoded %v", decoded)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
			for _, value := range regexp.MustCompile(`:"([^"]{12,})"`).FindAllStringSubmatch(document, -1) {
				if strings.Contains(err.Error(), value[1]) {
					t.Errorf("error %q holds a value of the document", err)
				}
			}
		})
	}
}

func TestDecodeRefusesAStateFromBeforeTheKey(t *testing.T) {
	t.Parallel()
	data, err := mustGenerate(t, EdDSA).Encode()
	if err != nil {
		t.Fatal(err)
	}
	early := strings.Replace(string(data), `"since":"2026-01-02T03:04:05Z"`, `"since":"2026-01-02T03:04:04Z"`, 1)
	if _, err := Decode([]byte(early)); err == nil || !strings.Contains(err.Error(), "signingKeys[0].since: before createdAt") {
		t.Errorf("error %v", err)
	}
}

// withoutList empties one of the document's lists.
func withoutList(document, name string) string {
	return regexp.MustCompile(`"`+name+`":\[.*?\]`).ReplaceAllString(document, `"`+name+`":[]`)
}

// doubled repeats the first signing key.
func doubled(document string) string {
	first := regexp.MustCompile(`"signingKeys":\[({.*?})`)
	return first.ReplaceAllString(document, `"signingKeys":[$1,$1`)
}

// FuzzDecode holds that a document has one form, white space apart.
func FuzzDecode(f *testing.F) {
	ring, err := Generate(rand.Reader, testNow, testTenant, []Algorithm{ES256})
	if err != nil {
		f.Fatal(err)
	}
	data, err := ring.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(testDocument(f))
	for _, change := range []func() (*Ring, error){
		func() (*Ring, error) { return ring.Carry(rand.Reader, testNow, Plan{Rotate: true}) },
		func() (*Ring, error) { return ring.Revoke(rand.Reader, testNow) },
	} {
		changed, err := change()
		if err != nil {
			f.Fatal(err)
		}
		data, err := changed.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ring, err := Decode(data)
		if err != nil {
			return
		}
		again, err := ring.Encode()
		if err != nil {
			t.Fatal(err)
		}
		var compacted bytes.Buffer
		if err := json.Compact(&compacted, data); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(compacted.Bytes(), again) {
			t.Errorf("read %s as %s", data, again)
		}
	})
}
