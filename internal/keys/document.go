package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// The forms of the document that this code knows. An unknown one is refused
// rather than guessed at: writing back what was only half understood would lose
// keys. A keyring is written in the form it was read in until its keys change.
const (
	// formatWithoutSince knew no rotation: a key has had its state since it was
	// made.
	formatWithoutSince = 1
	// formatVersion is what is written now.
	formatVersion = 2
)

// MaxDocument is the length in bytes past which no document is looked at:
// parsing keys costs time, and MaxSigningKeys of the largest kind need half of
// it.
const MaxDocument = 256 << 10

// MaxSigningKeys bounds the signing keys of a keyring, whatever state they are
// in. A rotation that would pass it waits until old keys are gone.
const MaxSigningKeys = 64

// document is keyring.json; doc.go describes it.
type document struct {
	FormatVersion int                 `json:"formatVersion"`
	Tenant        tenantDocument      `json:"tenant"`
	SigningKeys   []signingDocument   `json:"signingKeys"`
	RefreshKeys   []symmetricDocument `json:"refreshKeys"`
	RecordKeys    []symmetricDocument `json:"recordKeys"`
	SealingKeys   []symmetricDocument `json:"sealingKeys"`
}

type tenantDocument struct {
	Namespace string `json:"namespace"`
	UID       string `json:"uid"`
	Issuer    string `json:"issuer"`
}

type signingDocument struct {
	ID         string    `json:"id"`
	Algorithm  Algorithm `json:"algorithm"`
	State      KeyState  `json:"state"`
	CreatedAt  string    `json:"createdAt"`
	Since      string    `json:"since,omitempty"`
	PrivateKey string    `json:"privateKey"`
}

type symmetricDocument struct {
	Version   int32  `json:"version"`
	CreatedAt string `json:"createdAt"`
	Key       string `json:"key"`
}

// Encode returns the document that is kept in the keyring Secret. It holds
// every key in the clear. Equal keyrings give equal bytes.
func (r *Ring) Encode() ([]byte, error) {
	doc := document{
		FormatVersion: r.format,
		Tenant:        tenantDocument(r.tenant),
		RefreshKeys:   encodeSymmetric(r.refresh),
		RecordKeys:    encodeSymmetric(r.record),
		SealingKeys:   encodeSymmetric(r.sealing),
	}
	for _, key := range r.signing {
		entry := signingDocument{
			ID: key.ID, Algorithm: key.Algorithm, State: key.State,
			CreatedAt: key.CreatedAt.Format(time.RFC3339), PrivateKey: base64.StdEncoding.EncodeToString(key.der),
		}
		if r.format != formatWithoutSince {
			entry.Since = key.Since.Format(time.RFC3339)
		}
		doc.SigningKeys = append(doc.SigningKeys, entry)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encoding the keyring: %w", err)
	}
	return data, nil
}

func encodeSymmetric(list []symmetric) []symmetricDocument {
	docs := make([]symmetricDocument, 0, len(list))
	for _, key := range list {
		docs = append(docs, symmetricDocument{
			Version:   key.version,
			CreatedAt: key.createdAt.Format(time.RFC3339),
			Key:       base64.StdEncoding.EncodeToString(key.secret[:]),
		})
	}
	return docs
}

// Decode reads what Encode wrote. It is strict, because a keyring that is
// understood by half signs with the wrong key or loses one: every member is
// known, present once and in its one form (white space apart). The error names
// the member at fault and never quotes a value.
func Decode(data []byte) (*Ring, error) {
	doc, err := parseDocument(data)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	ring, err := doc.ring()
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := ring.checkForm(data); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return ring, nil
}

func parseDocument(data []byte) (*document, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("%d bytes; no keyring has more than %d", len(data), MaxDocument)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var doc document
	if err := decoder.Decode(&doc); err != nil {
		return nil, withoutContent(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the document")
	}
	if doc.FormatVersion != formatWithoutSince && doc.FormatVersion != formatVersion {
		return nil, fmt.Errorf("formatVersion: %d; this program knows %d and %d", doc.FormatVersion, formatWithoutSince, formatVersion)
	}
	if len(doc.SigningKeys) > MaxSigningKeys {
		return nil, fmt.Errorf("signingKeys: more than %d", MaxSigningKeys)
	}
	return &doc, nil
}

// withoutContent keeps of a JSON error only where it is: the decoder's own
// words can quote what it stumbled on.
func withoutContent(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s: wrong type", mismatch.Field)
	default: // an unknown member, by name; a document cut short
		return err
	}
}

func (d *document) ring() (*Ring, error) {
	ring := &Ring{format: d.FormatVersion, tenant: Tenant(d.Tenant)}
	for i, entry := range d.SigningKeys {
		key, err := entry.key(d.FormatVersion)
		if err != nil {
			return nil, fmt.Errorf("signingKeys[%d].%w", i, err)
		}
		ring.signing = append(ring.signing, key)
	}
	lists := []struct {
		field string
		from  []symmetricDocument
		to    *[]symmetric
	}{
		{"refreshKeys", d.RefreshKeys, &ring.refresh},
		{"recordKeys", d.RecordKeys, &ring.record},
		{"sealingKeys", d.SealingKeys, &ring.sealing},
	}
	for _, list := range lists {
		for i, entry := range list.from {
			key, err := entry.key()
			if err != nil {
				return nil, fmt.Errorf("%s[%d].%w", list.field, i, err)
			}
			*list.to = append(*list.to, key)
		}
	}
	return ring.prepare()
}

func (d *signingDocument) key(format int) (*SigningKey, error) {
	if d.Algorithm != ES256 && d.Algorithm != RS256 && d.Algorithm != EdDSA {
		return nil, errors.New("algorithm: not a known algorithm")
	}
	if !slices.Contains(publishedStates, d.State) && d.State != Revoked {
		return nil, errors.New("state: not a known state")
	}
	createdAt, err := parseSecond("createdAt", d.CreatedAt)
	if err != nil {
		return nil, err
	}
	since, err := d.since(format, createdAt)
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(d.PrivateKey)
	if err != nil {
		return nil, errors.New("privateKey: not base64")
	}
	key, err := newSigningKey(d.Algorithm, d.State, createdAt, der)
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	if key.ID != d.ID {
		return nil, errors.New("id: not the thumbprint of the key")
	}
	key.Since = since
	return key, nil
}

// since is when the key came into its state.
func (d *signingDocument) since(format int, createdAt time.Time) (time.Time, error) {
	if format == formatWithoutSince {
		return createdAt, nil
	}
	since, err := parseSecond("since", d.Since)
	if err == nil && since.Before(createdAt) {
		err = errors.New("since: before createdAt")
	}
	return since, err
}

func (d *symmetricDocument) key() (symmetric, error) {
	createdAt, err := parseSecond("createdAt", d.CreatedAt)
	if err != nil {
		return symmetric{}, err
	}
	secret, err := base64.StdEncoding.DecodeString(d.Key)
	if err != nil || len(secret) != keySize {
		return symmetric{}, fmt.Errorf("key: not base64 of %d bytes", keySize)
	}
	return symmetric{version: d.Version, createdAt: createdAt, secret: [keySize]byte(secret)}, nil
}

func parseSecond(field, text string) (time.Time, error) {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: not an RFC 3339 time", field)
	}
	return parsed.UTC(), nil
}

// checkForm compares the document with the one that Encode would write. That
// finds what the standard decoder forgives: a member given twice, in another
// case or in another order, a time with fractions or in another zone.
func (r *Ring) checkForm(data []byte) error {
	want, err := r.Encode()
	if err != nil {
		return err
	}
	var got bytes.Buffer
	if err := json.Compact(&got, data); err != nil {
		return withoutContent(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		return errors.New("not in the one form that this program writes (a member repeated, misspelt or out of order)")
	}
	return nil
}
