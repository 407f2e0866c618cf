package v1alpha1

// NamespacesFrom says which namespaces a consent is for.
//
// +kubebuilder:validation:Enum=Same;Names;Selector
type NamespacesFrom string

// The ways of choosing namespaces.
const (
	// NamespacesFromSame is the object's own namespace alone. The default.
	NamespacesFromSame NamespacesFrom = "Same"
	// NamespacesFromNames is the object's own namespace and those that are listed.
	NamespacesFromNames NamespacesFrom = "Names"
	// NamespacesFromSelector is the object's own namespace and those whose labels match.
	NamespacesFromSelector NamespacesFrom = "Selector"
)

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="!format.labelValue().validate(self).hasValue()",message="must be the value of a label: letters, digits, '-', '_' and '.', with a letter or digit at both ends"
type LabelValue string

// NamespaceSelector chooses namespaces by their labels. Whoever may label a namespace can bring it
// under the consent; the label `kubernetes.io/metadata.name`, which nobody can set, names one.
type NamespaceSelector struct {
	// matchLabels are labels that a namespace must bear, all of them.
	//
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="matchLabels must be keyed by names of labels"
	MatchLabels map[string]LabelValue `json:"matchLabels"`
}

// AllowedNamespaces says in which namespaces an object may be referred to. Its own is always one.
//
// +kubebuilder:validation:XValidation:rule="has(self.names) == (self.?from.orValue('Same') == 'Names')",fieldPath=".names",message="names belong to from Names, which needs them"
// +kubebuilder:validation:XValidation:rule="has(self.selector) == (self.?from.orValue('Same') == 'Selector')",fieldPath=".selector",message="selector belongs to from Selector, which needs it"
type AllowedNamespaces struct {
	// from says how the namespaces are chosen. Absent: Same.
	//
	// +optional
	From NamespacesFrom `json:"from,omitempty"`

	// names are further namespaces, with from Names.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	Names []string `json:"names,omitempty"`

	// selector chooses further namespaces by their labels, with from Selector.
	//
	// +optional
	Selector *NamespaceSelector `json:"selector,omitempty"`
}

// AllowedGrants is the consent of an object to be used by grants. It is looked at whenever a token
// is used, so that withdrawing it ends what was issued under it.
type AllowedGrants struct {
	// namespaces are where grants that refer to the object may live. Absent: its own namespace.
	//
	// +optional
	Namespaces *AllowedNamespaces `json:"namespaces,omitempty"`
}
