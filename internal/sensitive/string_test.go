package sensitive_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

const canary = "canary-7f1d"

// holder is how other rooms keep secrets: a field of their own struct, visible
// or not.
type holder struct {
	Name     string
	Password sensitive.String
	hidden   sensitive.String
}

func newHolder() holder {
	return holder{Name: "alice", Password: sensitive.New(canary), hidden: sensitive.New(canary)}
}

func TestNoVerbOfFmtPrintsTheSecret(t *testing.T) {
	t.Parallel()
	secret := sensitive.New(canary)
	values := map[string]any{
		"the value":             secret,
		"a pointer to it":       &secret,
		"a field, also hidden":  newHolder(),
		"a pointer to a struct": func() any { h := newHolder(); return &h }(),
		"a slice":               []sensitive.String{secret},
		"a map":                 map[string]sensitive.String{"password": secret},
		"a wrapped error":       fmt.Errorf("login: %w", fmt.Errorf("bad %v", secret)),
	}
	hex := fmt.Sprintf("%x", canary)
	for name, value := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%e", "%t", "%30v", "%-5.2s", "%T %v"} {
				arguments := []any{value}
				if strings.Count(verb, "%") == 2 {
					arguments = append(arguments, value)
				}
				got := fmt.Sprintf(verb, arguments...)
				if strings.Contains(got, canary) || strings.Contains(strings.ToLower(strings.ReplaceAll(got, " ", "")), hex) {
					t.Errorf("%s printed the secret: %s", verb, got)
				}
			}
		})
	}
}

func TestEveryVerbPrintsThePlaceholder(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%9.1f"} {
		for _, secret := range []sensitive.String{sensitive.New(canary), {}} {
			if got := fmt.Sprintf(verb, secret); got != sensitive.Redacted {
				t.Errorf("%s printed %q, want %q", verb, got, sensitive.Redacted)
			}
		}
	}
	if got := sensitive.New(canary).String(); got != sensitive.Redacted {
		t.Errorf("String() = %q", got)
	}
	if got := sensitive.New(canary).GoString(); got != sensitive.Redacted {
		t.Errorf("GoString() = %q", got)
	}
}

func TestEncodersWriteThePlaceholder(t *testing.T) {
	t.Parallel()
	encoders := map[string]struct {
		encode func(any) ([]byte, error)
		want   string
	}{
		"JSON": {json.Marshal, `{"Name":"alice","Password":"[REDACTED]"}`},
		"XML":  {xml.Marshal, `<holder><Name>alice</Name><Password>[REDACTED]</Password></holder>`},
	}
	for name, tc := range encoders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.encode(newHolder())
			if err != nil {
				t.Fatalf("encode: %v", err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASecretCannotBeReadFromJSONByAccident(t *testing.T) {
	t.Parallel()
	var got holder
	if err := json.Unmarshal([]byte(`{"Password":"`+canary+`"}`), &got); err == nil {
		t.Error("a secret was decoded from JSON, want an error: secrets are made by New alone")
	} else if strings.Contains(err.Error(), canary) {
		t.Errorf("the error names the content: %v", err)
	}
}

func TestLoggersWriteThePlaceholder(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	options := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, options), slog.NewJSONHandler(&out, options)} {
		logger := slog.New(handler).With("early", sensitive.New(canary))
		logger.Info("login", "password", sensitive.New(canary), "holder", newHolder(), slog.Group("g", "p", sensitive.New(canary)))
	}
	write := func(prefix, args string) { out.WriteString(prefix + args + "\n") }
	funcr.New(write, funcr.Options{}).Info("login", "password", sensitive.New(canary), "holder", newHolder())
	funcr.NewJSON(func(line string) { out.WriteString(line + "\n") }, funcr.Options{}).
		Error(errors.New("refused"), "login", "password", sensitive.New(canary), "list", []sensitive.String{sensitive.New(canary)})

	if strings.Contains(out.String(), canary) {
		t.Errorf("a logger wrote the secret:\n%s", out.String())
	}
	if got := strings.Count(out.String(), sensitive.Redacted); got < 8 {
		t.Errorf("the placeholder stands %d times in the log, want at least 8:\n%s", got, out.String())
	}
}

func TestOnlyRevealGivesTheSecret(t *testing.T) {
	t.Parallel()
	if got := sensitive.New(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q, want %q", got, canary)
	}
	if got := (sensitive.String{}).Reveal(); got != "" {
		t.Errorf("Reveal() of the zero value = %q, want nothing", got)
	}
}

func TestEqualAndIsZero(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b      sensitive.String
		wantEqual bool
		wantZero  bool // of a
	}{
		"the same text in two places is equal": {sensitive.New("abc"), sensitive.New("ab" + string([]byte{'c'})), true, false},
		"another text is not":                  {sensitive.New("abc"), sensitive.New("abd"), false, false},
		"a prefix is not":                      {sensitive.New("abc"), sensitive.New("ab"), false, false},
		"case counts":                          {sensitive.New("abc"), sensitive.New("ABC"), false, false},
		"the zero value is the empty secret":   {sensitive.String{}, sensitive.New(""), true, true},
		"an empty secret is zero":              {sensitive.New(""), sensitive.New("abc"), false, true},
		"a NUL is a character like any other":  {sensitive.New("a\x00"), sensitive.New("a"), false, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.a.Equal(tc.b); got != tc.wantEqual {
				t.Errorf("Equal() = %v, want %v", got, tc.wantEqual)
			}
			if got := tc.b.Equal(tc.a); got != tc.wantEqual {
				t.Errorf("Equal() the other way round = %v, want %v", got, tc.wantEqual)
			}
			if got := tc.a.IsZero(); got != tc.wantZero {
				t.Errorf("IsZero() = %v, want %v", got, tc.wantZero)
			}
		})
	}
}
