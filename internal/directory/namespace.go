package directory

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// putNamespace keeps a namespace's labels: nothing else is asked of it.
func (d *Directory) putNamespace(namespace *corev1.Namespace) {
	d.mu.Lock()
	same := maps.Equal(d.labels[namespace.Name], namespace.Labels)
	d.labels[namespace.Name] = namespace.Labels
	d.mu.Unlock()
	if !same {
		d.notify(Change{Namespaces, namespace.Name, namespace.Name})
	}
}

func (d *Directory) removeNamespace(name string) {
	d.mu.Lock()
	delete(d.labels, name)
	d.mu.Unlock()
	d.notify(Change{Namespaces, name, name})
}
