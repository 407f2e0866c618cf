#!/bin/sh
# chart-crds.sh writes the chart's CRD templates anew from config/crd: each definition between the
# switches crds.enabled and crds.keep, under the chart's labels.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
source="$root/config/crd"
templates="$root/charts/grantkeeper/templates/crds"

# Both insertions hang on a line that controller-gen writes in every definition. What looks like a
# template in a description is none.
wrap() {
	printf '%s\n' '{{- /* Written by hack/chart-crds.sh from config/crd. */ -}}' '{{- if .Values.crds.enabled }}'
	sed -e '/^---$/d' -e 's/{{/{{ "{{" }}/g' "$1" | awk '
		{ print }
		/^  annotations:$/ && !annotated {
			annotated = 1
			print "    {{- if .Values.crds.keep }}"
			print "    helm.sh/resource-policy: keep"
			print "    {{- end }}"
		}
		/^metadata:$/ && !labelled {
			labelled = 1
			print "  labels: {{- include \"grantkeeper.labels\" . | nindent 4 }}"
		}
		END { exit !(annotated && labelled) }
	' || return 1
	echo '{{- end }}'
}

mkdir -p "$templates"
rm -f "$templates"/*.yaml
for file in "$source"/*.yaml; do
	name=$(basename "$file")
	wrap "$file" >"$templates/${name#auth.grantkeeper.dev_}" || {
		echo "chart-crds.sh: $file has no metadata.annotations to add to" >&2
		exit 1
	}
done
