package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// printField prints a string out of a file of JSON. The path is the names of the members on the way
// to it, with dots between them.
func printField(out io.Writer, file, path string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("%s: %w in %s", file, err, shorten(string(data)))
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("%s: no string %q in %s", file, path, shorten(string(data)))
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// printClaims prints what a JWT says, without checking anything.
func printClaims(out io.Writer, token string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("not a JWT: it has no two dots")
	}
	for _, part := range parts[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return fmt.Errorf("not a JWT: %w", err)
		}
		var text bytes.Buffer
		if err := json.Indent(&text, data, "", "  "); err != nil {
			return fmt.Errorf("not a JWT: %w", err)
		}
		fmt.Fprintln(out, text.String())
	}
	return nil
}

// verify checks a JWT offline: its signature by a key of the set in the file, its issuer, and that
// it has not expired. The checking is done by jwx, which has no part in issuing tokens.
func verify(out io.Writer, file, issuer, token string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	set, err := jwk.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	checked, err := jwt.ParseString(token, jwt.WithKeySet(set), jwt.WithIssuer(issuer))
	if err != nil {
		return err
	}
	message, err := jws.ParseString(token)
	if err != nil {
		return err
	}
	headers := message.Signatures()[0].ProtectedHeaders()
	algorithm, _ := headers.Algorithm()
	key, _ := headers.KeyID()
	subject, _ := checked.Subject()
	expires, _ := checked.Expiration()
	fmt.Fprintf(out, "good: %s by key %s,\n      for subject %s until %s\n",
		algorithm, key, subject, expires.UTC().Format("15:04:05 MST"))
	return nil
}
