package v1alpha1_test

import "testing"

func TestAllowedGrants(t *testing.T) {
	t.Parallel()
	testCreations(t, "AuthUser", map[string]creation{
		"consent for its own namespace need not be said": {spec: `allowedGrants: {namespaces: {}}`},
		"consent for namespaces by their names":          {spec: `allowedGrants: {namespaces: {from: Names, names: [team-b, team-c]}}`},
		"consent for namespaces by their labels": {
			spec: `allowedGrants: {namespaces: {from: Selector, selector: {matchLabels: {example.com/team: b}}}}`,
		},
		"names without saying so": {
			spec:      `allowedGrants: {namespaces: {names: [team-b]}}`,
			wantField: "spec.allowedGrants.namespaces.names", wantMessage: "names belong to from Names",
		},
		"names that are missing": {
			spec:      `allowedGrants: {namespaces: {from: Names}}`,
			wantField: "spec.allowedGrants.namespaces.names", wantMessage: "which needs them",
		},
		"a selector that is missing": {
			spec:      `allowedGrants: {namespaces: {from: Selector}}`,
			wantField: "spec.allowedGrants.namespaces.selector", wantMessage: "which needs it",
		},
		"a selector that selects everything is no consent": {
			spec:      `allowedGrants: {namespaces: {from: Selector, selector: {matchLabels: {}}}}`,
			wantField: "spec.allowedGrants.namespaces.selector.matchLabels", wantMessage: "at least 1 properties",
		},
		"a label that no namespace can have": {
			spec:      `allowedGrants: {namespaces: {from: Selector, selector: {matchLabels: {"a b": c}}}}`,
			wantField: "spec.allowedGrants.namespaces.selector.matchLabels", wantMessage: "names of labels",
		},
		"a value that no label can have": {
			spec:      `allowedGrants: {namespaces: {from: Selector, selector: {matchLabels: {team: "-b"}}}}`,
			wantField: "spec.allowedGrants.namespaces.selector.matchLabels[team]", wantMessage: "value of a label",
		},
		"a namespace that cannot be": {
			spec:      `allowedGrants: {namespaces: {from: Names, names: [Team_B]}}`,
			wantField: "spec.allowedGrants.namespaces.names[0]", wantMessage: "name of a namespace",
		},
	})
}

func TestCredentialRotation(t *testing.T) {
	t.Parallel()
	generate := func(fields string) string { return "password: {generate: {secretName: s, " + fields + "}}" }
	const field = "spec.password.generate"
	testCreations(t, "AuthUser", map[string]creation{
		"a password may rotate":                   {spec: generate("rotateEvery: 1h")},
		"the old password may stay for all of it": {spec: generate("rotateEvery: 2h, overlap: 2h")},
		"a password comes from a hash alone":      {spec: `password: {hashSecretRef: {name: s, key: hash}}`},
		"a rotation that outruns its consumers":   {spec: generate("rotateEvery: 59m"), wantField: field + ".rotateEvery", wantMessage: "at least 1h"},
		"an overlap of nothing":                   {spec: generate("overlap: 1h"), wantField: field + ".overlap", wantMessage: "overlap needs rotateEvery"},
		"an overlap that never ends":              {spec: generate("rotateEvery: 1h, overlap: 2h"), wantField: field + ".overlap", wantMessage: "not be longer than rotateEvery"},
		"a hash beside a password is contradictory": {
			spec:      `password: {hashSecretRef: {name: s, key: hash}, secretRef: {name: s, key: p}}`,
			wantField: "spec.password", wantMessage: "exactly one of",
		},
	})
	testCreations(t, "AuthClient", map[string]creation{
		"a client secret may rotate": {spec: "secret: {generate: {secretName: s, rotateEvery: 720h, overlap: 24h}}"},
		"an overlap longer than its secret": {
			spec:      "secret: {generate: {secretName: s, rotateEvery: 1h, overlap: 61m}}",
			wantField: "spec.secret.generate.overlap", wantMessage: "not be longer than rotateEvery",
		},
	})
}
