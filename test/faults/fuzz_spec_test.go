package faults_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"sigs.k8s.io/yaml"

	"github.com/grantkeeper/grantkeeper/test/controlplane"
)

// speller writes specs that a person might write who is careless, or wicked: of the shape that a
// kind's shape asks for, with words that mean something often and nothing sometimes.
type speller struct{ *rand.Rand }

// shape is a part of a CustomResourceDefinition's.
type shape map[string]any

func (s shape) child(name string) shape { child, _ := s[name].(map[string]any); return child }

func (s shape) number(name string, otherwise int) int {
	if n, ok := s[name].(float64); ok {
		return int(n)
	}
	return otherwise
}

// specShape is that of a kind's spec; plural is as in the name of its file.
func specShape(t *testing.T, plural string) shape {
	t.Helper()
	root, err := controlplane.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "config", "crd", "auth.grantkeeper.dev_"+plural+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(content, &crd); err != nil {
		t.Fatal(err)
	}
	return shape(crd.Spec.Versions[0].Schema.OpenAPIV3Schema).child("properties").child("spec")
}

// alternatives are fields of which most people write one.
var alternatives = [][]string{
	{"secretRef", "hashSecretRef", "generate"},
	{"clientRef", "clientID"},
	{"renewBefore", "renewBeforePercentage"},
}

func (f speller) value(s shape, path ...string) any {
	switch s["type"] {
	case "object":
		return f.object(s, path)
	case "array":
		list := make([]any, s.number("minItems", 0)+f.IntN(3))
		for i := range list {
			list[i] = f.value(s.child("items"), path...)
		}
		return list
	case "integer":
		return f.integer(s)
	case "boolean":
		return f.IntN(2) == 0
	default:
		return f.text(s, path)
	}
}

func (f speller) object(s shape, path []string) map[string]any {
	result := map[string]any{}
	properties := s.child("properties")
	chosen := f.choose(properties)
	required, _ := s["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		write, decided := chosen[name]
		if !decided {
			write = f.IntN(4) == 0
		}
		if write || slices.Contains(required, any(name)) {
			result[name] = f.value(properties.child(name), append(path, name)...)
		}
	}
	if of := s.child("additionalProperties"); of != nil {
		for range f.IntN(3) {
			result[f.pick("app", "header", "example.com/team", "kubernetes.io/x", "-", "a b", "")] = f.value(of, append(path, "*")...)
		}
	}
	return result
}

// choose decides, most of the time, on one of the alternatives.
func (f speller) choose(properties shape) map[string]bool {
	chosen := map[string]bool{}
	for _, group := range alternatives {
		var there []string
		for _, name := range group {
			if properties[name] != nil {
				there = append(there, name)
			}
		}
		if len(there) < 2 || f.IntN(8) == 0 {
			continue
		}
		for _, name := range there {
			chosen[name] = false
		}
		chosen[f.pick(there...)] = true
	}
	return chosen
}

func (f speller) integer(s shape) any {
	most := 1 << 40
	if s["format"] == "int32" {
		most = math.MaxInt32
	}
	low, high := s.number("minimum", -1), s.number("maximum", most)
	switch f.IntN(4) {
	case 0:
		return int64(low)
	case 1:
		return int64(high)
	default:
		return int64(low + f.IntN(min(high-low, 100)+1))
	}
}

// odd is what nobody should write.
var odd = []string{
	"", " ", "a:b", "ÄÖÜ", "a\x00b", "a\nb", "🔑", "../..", "<script>", "{{ .accessToken }}", "{{", "%s%n", "-",
	"kube-system", "true", "null", "0", "*", "!", "#", strings.Repeat("x", 63), strings.Repeat("y", 300),
}

func (f speller) text(s shape, path []string) string {
	if values, ok := s["enum"].([]any); ok {
		return fmt.Sprint(values[f.IntN(len(values))])
	}
	if s["format"] == "date-time" {
		return time.Now().Add(time.Duration(f.IntN(72)-2) * time.Hour).UTC().Format(time.RFC3339)
	}
	if f.IntN(25) == 0 {
		return f.pick(odd...)
	}
	return f.word(path)
}

// word is what somebody might write at a place.
func (f speller) word(path []string) string {
	field, parent := path[len(path)-1], ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	switch field {
	case "name", "secretName":
		return f.named(parent)
	case "namespace":
		return f.pick("team", "other", "kube-system")
	case "ttl", "renewBefore", "rotateEvery", "overlap", "gracePeriod", "idleTimeout", "maxAge", "minInterval":
		return f.pick("1h", "10m", "24h", "1h30m", "30s", "720h", "10s", "2s", "0s", "25h", "8760h", "1w", "-1h")
	case "scopes", "defaultScopes":
		return f.pick("orders:read", "orders:write", "orders:*", "confd.#", "confd.users.read", "!confd.users.*.delete", "auth.#", "a b", "profile", "#")
	case "audiences":
		return f.pick("https://orders.example.com", "orders", "https://localhost", "a b")
	case "redirectURIs":
		return f.pick("https://app.example.com/cb", "http://127.0.0.1/cb", "http://app.example.com/cb", "com.example:/cb", "https://app.example.com/cb#x", "javascript:alert(1)")
	case "subject", "id":
		return f.pick(uuid.NewSHA1(uuid.Nil, []byte{byte(f.IntN(200))}).String(), uuid.NewSHA1(uuid.Nil, []byte{byte(f.IntN(200)), 1}).String())
	case "username", "clientID":
		return fmt.Sprintf("%s-%d", f.pick("alice", "Bob", "billing"), f.IntN(200))
	case "address":
		return fmt.Sprintf("%s-%d@example.com", f.pick("alice", "bob"), f.IntN(200))
	case "key":
		return f.pick("password", "client_secret", "hash", "app.env", "config", "absent")
	case "server":
		return f.pick("https://registry.example.com", "registry.example.com:5000", "https://10.0.0.1:6443", "x y")
	case "*":
		return f.pick("Bearer {{ .accessToken }}", "{{ .nothing }}", "plain", "{{ range }}", `{{ printf "%2000000d" 1 }}`)
	}
	return f.pick("alice", "Doe", "A_", "trust.pem", "token", "value", "de-DE")
}

// named is a name of something that is there, or nearly.
func (f speller) named(parent string) string {
	n := f.IntN(20)
	switch parent {
	case "userRef":
		return fmt.Sprintf("authuser-%d", n)
	case "clientRef":
		return fmt.Sprintf("authclient-%d", n)
	case "secretRef":
		return fmt.Sprintf("password-%d", n)
	case "hashSecretRef":
		return fmt.Sprintf("hash-%d", n)
	case "target", "generate":
		return fmt.Sprintf("%s-%d", parent, f.IntN(400))
	}
	return fmt.Sprintf("name-%d", n)
}

func (f speller) pick(from ...string) string { return from[f.IntN(len(from))] }
