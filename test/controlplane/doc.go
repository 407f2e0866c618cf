// Package controlplane runs a real Kubernetes control plane (etcd, kube-apiserver and, where asked
// for, kube-controller-manager) as child processes on loopback ports, for integration tests and
// for the demo.
//
// It starts the three programs itself rather than through envtest, because it needs what envtest
// keeps private: the service-account key that the controller manager signs with, children that
// die with their parent however that ends, and an end without a grace period.
//
// Nothing of the product may enter: tests bring their own schemes, managers and builders. The
// package knows the product only by where its module keeps config/crd and hack/kube.sh.
package controlplane
