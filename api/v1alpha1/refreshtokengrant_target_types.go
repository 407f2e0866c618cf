package v1alpha1

// CreationPolicy says what becomes of a target Secret when its grant is deleted.
//
// +kubebuilder:validation:Enum=Owner;Orphan
type CreationPolicy string

// The creation policies.
const (
	// CreationPolicyOwner makes the grant the Secret's owner: it is collected with the grant. The
	// default.
	CreationPolicyOwner CreationPolicy = "Owner"
	// CreationPolicyOrphan leaves the Secret behind, with a token that is dead online.
	CreationPolicyOrphan CreationPolicy = "Orphan"
)

// TargetKeys renames the data keys of a target Secret.
//
// +kubebuilder:validation:XValidation:rule="[[self.?accessToken.orValue('token'), self.?expiry.orValue('expires_at'), self.?tokenType.orValue('token_type'), self.?clientID.orValue('client_id'), self.?issuer.orValue('issuer'), self.?tokenURL.orValue('token_url'), self.?caBundle.orValue('ca.crt'), self.?refreshToken.orValue('refresh_token')]].all(names, names.all(name, names.exists_one(other, other == name)))",message="keys must be distinct, also from the default names of those that are absent"
type TargetKeys struct {
	// accessToken is the key of the access token. Absent: token.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	AccessToken string `json:"accessToken,omitempty"`

	// expiry is the key of the access token's expiry, RFC 3339. Absent: expires_at.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Expiry string `json:"expiry,omitempty"`

	// tokenType is the key of the token type, always Bearer. Absent: token_type.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	TokenType string `json:"tokenType,omitempty"`

	// clientID is the key of the client_id. Absent: client_id.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	ClientID string `json:"clientID,omitempty"`

	// issuer is the key of the tenant's issuer URL. Absent: issuer.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Issuer string `json:"issuer,omitempty"`

	// tokenURL is the key of the token endpoint's URL. Absent: token_url.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	TokenURL string `json:"tokenURL,omitempty"`

	// caBundle is the key of the CA bundle that verifies the endpoint. Absent: ca.crt.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	CABundle string `json:"caBundle,omitempty"`

	// refreshToken is the key of the refresh token, where it is delivered. Absent: refresh_token.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	RefreshToken string `json:"refreshToken,omitempty"`
}

// TargetType is the type of a target Secret.
//
// +kubebuilder:validation:Enum=Opaque;kubernetes.io/basic-auth;kubernetes.io/dockerconfigjson
type TargetType string

// The types of a target Secret.
const (
	// TargetTypeOpaque holds the keys and outputs alone. The default.
	TargetTypeOpaque TargetType = "Opaque"
	// TargetTypeBasicAuth also holds the keys username and password, which is the access token.
	TargetTypeBasicAuth TargetType = "kubernetes.io/basic-auth"
	// TargetTypeDockerConfigJSON is for imagePullSecrets: it needs an output DockerConfig under the key
	// .dockerconfigjson.
	TargetTypeDockerConfigJSON TargetType = "kubernetes.io/dockerconfigjson"
)

// OutputFormat is a file format that programs read a token from.
//
// +kubebuilder:validation:Enum=Env;Kubeconfig;DockerConfig
type OutputFormat string

// The formats of an output.
const (
	// OutputFormatEnv is a file of environment variables, one NAME=value a line.
	OutputFormatEnv OutputFormat = "Env"
	// OutputFormatKubeconfig is a kubeconfig whose user bears the access token.
	OutputFormatKubeconfig OutputFormat = "Kubeconfig"
	// OutputFormatDockerConfig is a .docker/config.json that logs in with the access token.
	OutputFormatDockerConfig OutputFormat = "DockerConfig"
)

// TargetOutput is one more data key of a target Secret, in a format that a program reads.
//
// +kubebuilder:validation:XValidation:rule="!has(self.prefix) || self.format == 'Env'",fieldPath=".prefix",message="prefix belongs to format Env"
// +kubebuilder:validation:XValidation:rule="!has(self.server) || self.format != 'Env'",fieldPath=".server",message="server belongs to the formats Kubeconfig and DockerConfig"
// +kubebuilder:validation:XValidation:rule="has(self.server) || self.format != 'DockerConfig'",fieldPath=".server",message="server is required for format DockerConfig: the registry's name"
// +kubebuilder:validation:XValidation:rule="!has(self.server) || self.format != 'Kubeconfig' || self.server.matches('^https://[^/?#@]+')",fieldPath=".server",message="server of a Kubeconfig must be an https URL"
// +kubebuilder:validation:XValidation:rule="!has(self.certificateAuthority) || (self.format == 'Kubeconfig' && has(self.server))",fieldPath=".certificateAuthority",message="certificateAuthority belongs to a server of format Kubeconfig"
type TargetOutput struct {
	// key is the data key within the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$')",message="must be a key of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Key string `json:"key"`

	// format is what the key holds.
	//
	// +required
	Format OutputFormat `json:"format"`

	// prefix stands before the names of the variables of format Env. Absent: nothing.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",message="must be the beginning of a variable's name: letters, digits and '_'"
	Prefix string `json:"prefix,omitempty"`

	// server is the API server of a Kubeconfig or the registry of a DockerConfig. Absent in a
	// Kubeconfig: the API server of the cluster that a pod runs in.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="must be visible ASCII without quotes, backslashes and '#'"
	Server string `json:"server,omitempty"`

	// certificateAuthority verifies the server of a Kubeconfig: certificates in PEM. Absent: those that
	// the machine trusts.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=65536
	CertificateAuthority string `json:"certificateAuthority,omitempty"`
}

// TemplateText is a Go template (text/template) over the values of the token.
//
// +kubebuilder:validation:MaxLength=16384
type TemplateText string

// AnnotationValue is the value of an annotation.
//
// +kubebuilder:validation:MaxLength=4096
type AnnotationValue string

// TargetMetadata is what a target Secret bears besides what the operator needs.
type TargetMetadata struct {
	// labels are the Secret's, for tools that select by them. Those of Kubernetes and of Grantkeeper
	// itself are refused.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="labels must be keyed by names such as example.com/team"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|auth[.]grantkeeper[.]dev)/'))",message="labels of kubernetes.io, k8s.io and auth.grantkeeper.dev are not a template's to set"
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// annotations are the Secret's, with the same bounds.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="annotations must be keyed by names such as example.com/team"
	// +kubebuilder:validation:XValidation:rule="self.all(key, !key.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|auth[.]grantkeeper[.]dev)/'))",message="annotations of kubernetes.io, k8s.io and auth.grantkeeper.dev are not a template's to set"
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`
}

// TargetTemplate is what a target Secret holds and bears besides its keys and outputs.
type TargetTemplate struct {
	// metadata is the labels and annotations of the Secret.
	//
	// +optional
	Metadata *TargetMetadata `json:"metadata,omitempty"`

	// data are further data keys, each a Go template.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(key, key.size() <= 253 && key.matches('^[.]?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$'))",message="data must be keyed by keys of a Secret: letters, digits, '-', '_' and '.', neither '.' alone nor '..' in front"
	Data map[string]TemplateText `json:"data,omitempty"`
}

// WorkloadKind is a kind of workload that can be restarted.
//
// +kubebuilder:validation:Enum=Deployment;StatefulSet;DaemonSet
type WorkloadKind string

// The kinds of workloads, all of the group apps.
const (
	WorkloadKindDeployment  WorkloadKind = "Deployment"
	WorkloadKindStatefulSet WorkloadKind = "StatefulSet"
	WorkloadKindDaemonSet   WorkloadKind = "DaemonSet"
)

// WorkloadReference names a workload in the grant's namespace.
type WorkloadReference struct {
	// kind is the workload's kind.
	//
	// +required
	Kind WorkloadKind `json:"kind"`

	// name is the workload's metadata.name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a workload: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	Name string `json:"name"`
}

// RolloutRestart restarts workloads after the token in a grant's Secret has changed. A workload must
// allow it with the annotation `auth.grantkeeper.dev/allow-rollout-restart: "true"`.
type RolloutRestart struct {
	// targets are the workloads.
	//
	// +required
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Targets []WorkloadReference `json:"targets"`

	// minInterval is the least time between two restarts of a workload, whatever its grants do. Of
	// several grants' the longest counts. Absent: 1h. At least 1m.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s)){1,4}$') || duration(self) >= duration('1m')",message="minInterval must be at least 1m"
	MinInterval *Duration `json:"minInterval,omitempty"`
}

// GrantTarget is the Secret into which the operator writes the grant's token.
//
// +kubebuilder:validation:XValidation:rule="has(self.name) == has(oldSelf.name) && has(self.type) == has(oldSelf.type) && has(self.creationPolicy) == has(oldSelf.creationPolicy) && has(self.keys) == has(oldSelf.keys)",message="name, type, creationPolicy and keys are immutable, also where they are absent: make another grant for another Secret"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Opaque') != 'kubernetes.io/dockerconfigjson' || (has(self.outputs) && self.outputs.exists(output, output.key == '.dockerconfigjson' && output.format == 'DockerConfig'))",fieldPath=".outputs",message="type kubernetes.io/dockerconfigjson needs an output of format DockerConfig under the key .dockerconfigjson"
// +kubebuilder:validation:XValidation:rule="!has(self.outputs) || !has(self.template) || !has(self.template.data) || self.outputs.all(output, !(output.key in self.template.data))",fieldPath=".template",message="template.data and outputs may not have a key in common"
// +kubebuilder:validation:XValidation:rule="[[self.?keys.?accessToken.orValue('token'), self.?keys.?expiry.orValue('expires_at'), self.?keys.?tokenType.orValue('token_type'), self.?keys.?clientID.orValue('client_id'), self.?keys.?issuer.orValue('issuer'), self.?keys.?tokenURL.orValue('token_url'), self.?keys.?caBundle.orValue('ca.crt'), self.?keys.?refreshToken.orValue('refresh_token')] + (self.?type.orValue('Opaque') == 'kubernetes.io/basic-auth' ? ['username', 'password'] : [])].all(names, (!has(self.outputs) || self.outputs.all(output, !(output.key in names))) && (!has(self.template) || !has(self.template.data) || names.all(name, !(name in self.template.data))))",message="outputs and template.data may not take a key of keys, also not the default name of one that is absent, nor username and password where type is kubernetes.io/basic-auth"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Opaque') != 'kubernetes.io/basic-auth' || ![self.?keys.?accessToken.orValue('token'), self.?keys.?expiry.orValue('expires_at'), self.?keys.?tokenType.orValue('token_type'), self.?keys.?clientID.orValue('client_id'), self.?keys.?issuer.orValue('issuer'), self.?keys.?tokenURL.orValue('token_url'), self.?keys.?caBundle.orValue('ca.crt'), self.?keys.?refreshToken.orValue('refresh_token')].exists(name, name in ['username', 'password'])",fieldPath=".keys",message="keys may not be named username or password where type is kubernetes.io/basic-auth, which has keys of these names"
type GrantTarget struct {
	// name is the Secret's name. Absent: the grant's name with -token behind it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside every '.'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="target.name is immutable: make another grant for another Secret"
	Name string `json:"name,omitempty"`

	// type is the Secret's type. Absent: Opaque.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="target.type is immutable: make another grant for another Secret"
	Type TargetType `json:"type,omitempty"`

	// creationPolicy says what becomes of the Secret when the grant is deleted. Absent: Owner.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="target.creationPolicy is immutable: make another grant for another Secret"
	CreationPolicy CreationPolicy `json:"creationPolicy,omitempty"`

	// keys renames the data keys of the Secret.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="target.keys is immutable: make another grant for another Secret"
	Keys *TargetKeys `json:"keys,omitempty"`

	// outputs are further data keys, in formats that programs read.
	//
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MaxItems=16
	Outputs []TargetOutput `json:"outputs,omitempty"`

	// template is what else the Secret holds and bears.
	//
	// +optional
	Template *TargetTemplate `json:"template,omitempty"`
}
