#!/bin/sh
# kube.sh prints the directory that holds etcd, kube-apiserver, kube-controller-manager and
# kubectl, and builds them first where the user's cache does not have them. KUBEBUILDER_ASSETS,
# where it is set, wins.
set -eu

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
	echo "$KUBEBUILDER_ASSETS"
	exit
fi

hack=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's|^\tk8s.io/kubernetes \(v[0-9.]*\)$|\1|p' "$hack/kube/go.mod")
minor=${version#v1.}
minor=${minor%%.*}
pkg=k8s.io/component-base/version
# A released binary knows its version: without it clients take the server for v0.0.0.
LDFLAGS="-X $pkg.gitVersion=$version -X $pkg.gitMajor=1 -X $pkg.gitMinor=$minor -X $pkg.gitTreeState=clean -X $pkg.buildDate=1970-01-01T00:00:00Z" \
	exec "$hack/build-cached.sh" "$hack/kube" . kube etcd kube-apiserver kube-controller-manager kubectl
