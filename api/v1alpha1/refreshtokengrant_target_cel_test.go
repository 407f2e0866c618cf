package v1alpha1_test

import "testing"

func TestTargets(t *testing.T) {
	t.Parallel()
	output := func(text string) string { return grant("target: {outputs: [" + text + "]}") }
	template := func(text string) string { return grant("target: {template: " + text + "}") }
	const first = "spec.target.outputs[0]"
	const labels, annotations = "spec.target.template.metadata.labels", "spec.target.template.metadata.annotations"
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"every output at once": {spec: output(`{key: app.env, format: Env, prefix: API_}, {key: kubeconfig, format: Kubeconfig}, {key: remote, format: Kubeconfig, server: "https://k8s.example.com:6443", certificateAuthority: pem}, {key: config.json, format: DockerConfig, server: registry.example.com}`)},
		"a pull secret":        {spec: grant(`target: {type: kubernetes.io/dockerconfigjson, outputs: [{key: .dockerconfigjson, format: DockerConfig, server: registry.example.com}]}`)},
		"a pull secret without its key": {
			spec:      grant(`target: {type: kubernetes.io/dockerconfigjson, outputs: [{key: config.json, format: DockerConfig, server: registry.example.com}]}`),
			wantField: "spec.target.outputs", wantMessage: "under the key .dockerconfigjson",
		},
		"a Secret of a type that the operator does not write": {
			spec:      grant("target: {type: kubernetes.io/tls}"),
			wantField: "spec.target.type", wantMessage: "supported values",
		},
		"a prefix of a file without variables": {
			spec: output(`{key: k, format: Kubeconfig, prefix: A_}`), wantField: first + ".prefix", wantMessage: "belongs to format Env",
		},
		"a prefix that no variable can have": {
			spec: output(`{key: k, format: Env, prefix: 1A}`), wantField: first + ".prefix", wantMessage: "beginning of a variable's name",
		},
		"a registry without a name": {
			spec: output(`{key: k, format: DockerConfig}`), wantField: first + ".server", wantMessage: "required for format DockerConfig",
		},
		"an API server in the clear": {
			spec: output(`{key: k, format: Kubeconfig, server: "http://k8s.example.com"}`), wantField: first + ".server", wantMessage: "must be an https URL",
		},
		"a certificate authority of no server": {
			spec: output(`{key: k, format: Kubeconfig, certificateAuthority: pem}`), wantField: first + ".certificateAuthority", wantMessage: "belongs to a server",
		},
		"a template may add data, labels and annotations": {
			spec: template(`{metadata: {labels: {app: billing, example.com/team: a}, annotations: {reloader.example.com/match: "true"}}, data: {header: "Bearer {{ .accessToken }}"}}`),
		},
		"labels of Kubernetes are not a template's": {
			spec: template(`{metadata: {labels: {app.kubernetes.io/name: x}}}`), wantField: labels, wantMessage: "not a template's to set",
		},
		"annotations of Kubernetes neither": {
			spec: template(`{metadata: {annotations: {k8s.io/x: z}}}`), wantField: annotations, wantMessage: "not a template's to set",
		},
		"labels of the operator would change whose the Secret is": {
			spec: template(`{metadata: {labels: {auth.grantkeeper.dev/credential: input}}}`), wantField: labels, wantMessage: "not a template's to set",
		},
		"a domain that only ends alike is somebody's own": {
			spec: template(`{metadata: {labels: {notkubernetes.io/x: z}}}`),
		},
		"a label that cannot be": {
			spec: template(`{metadata: {labels: {"a b": c}}}`), wantField: labels, wantMessage: "names such as",
		},
		"a data key that cannot be": {
			spec: template(`{data: {"a/b": c}}`), wantField: "spec.target.template.data", wantMessage: "keys of a Secret",
		},
	})
}

// TestEachKeyOfATargetIsOneThing: where two fields want one key, one of them would be lost.
func TestEachKeyOfATargetIsOneThing(t *testing.T) {
	t.Parallel()
	target := func(text string) string { return grant("target: {" + text + "}") }
	const taken = "may not take a key of keys"
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"a template and an output of one key": {
			spec:      target("outputs: [{key: a, format: Env}], template: {data: {b: x, a: x}}"),
			wantField: "spec.target.template", wantMessage: "may not have a key in common",
		},
		"an output of a default key": {
			spec: target("outputs: [{key: ca.crt, format: Env}]"), wantField: "spec.target", wantMessage: taken,
		},
		"a template of a default key": {
			spec: target("template: {data: {token: x}}"), wantField: "spec.target", wantMessage: taken,
		},
		"an output of a renamed key": {
			spec: target("keys: {accessToken: a}, outputs: [{key: a, format: Env}]"), wantField: "spec.target", wantMessage: taken,
		},
		"a template of a key that was renamed away": {
			spec: target("keys: {accessToken: a}, template: {data: {token: x}}"),
		},
		"a template of a key of the type": {
			spec: target("type: kubernetes.io/basic-auth, template: {data: {password: x}}"), wantField: "spec.target", wantMessage: taken,
		},
		"a template of a key of another type": {
			spec: target("template: {data: {password: x}}"),
		},
		"a key of keys that the type has": {
			spec: target("type: kubernetes.io/basic-auth, keys: {accessToken: password}"), wantField: "spec.target.keys", wantMessage: "keys of these names",
		},
		"a key of keys that another type has": {
			spec: target("keys: {accessToken: password}"),
		},
	})
}

func TestRolloutRestart(t *testing.T) {
	t.Parallel()
	testCreations(t, "RefreshTokenGrant", map[string]creation{
		"workloads of every kind": {
			spec: grant("target: {}\nrolloutRestart: {minInterval: 1h, targets: [{kind: Deployment, name: a}, {kind: StatefulSet, name: a}, {kind: DaemonSet, name: b}]}"),
		},
		"restarts that never end": {
			spec:      grant("target: {}\nrolloutRestart: {minInterval: 59s, targets: [{kind: Deployment, name: a}]}"),
			wantField: "spec.rolloutRestart.minInterval", wantMessage: "at least 1m",
		},
		"a restart without a Secret": {
			spec:      grant("rolloutRestart: {targets: [{kind: Deployment, name: a}]}"),
			wantField: "spec.rolloutRestart", wantMessage: "needs a target",
		},
		"a workload that cannot be restarted": {
			spec:      grant("target: {}\nrolloutRestart: {targets: [{kind: Job, name: a}]}"),
			wantField: "spec.rolloutRestart.targets[0].kind", wantMessage: "supported values",
		},
		"a restart of nothing": {
			spec:      grant("target: {}\nrolloutRestart: {targets: []}"),
			wantField: "spec.rolloutRestart.targets", wantMessage: "at least 1 items",
		},
	})
}
