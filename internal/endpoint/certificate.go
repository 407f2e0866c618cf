package endpoint

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/internal/metrics"
)

var errNoCertificate = errors.New("no serving certificate has been read yet")

var certificateExpiry = metrics.CertificateExpiry.Desc()

// Certificate is what the server shows to its clients. It can be replaced at any time: handshakes
// after that get the new one, open connections go on. The zero value has none yet. It is a
// prometheus.Collector of the expiry, which is absent until there is a certificate.
type Certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// Set replaces the certificate, which the caller does not modify afterwards.
func (c *Certificate) Set(certificate *tls.Certificate) {
	c.current.Store(certificate)
}

// Ready returns an error until a certificate is there.
func (c *Certificate) Ready() error {
	if c.current.Load() == nil {
		return errNoCertificate
	}
	return nil
}

// get has the type of tls.Config.GetCertificate.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate := c.current.Load()
	if certificate == nil {
		return nil, errNoCertificate
	}
	return certificate, nil
}

// load takes over what a Secret holds and says whether that is another certificate than before.
// After an error the one before is kept.
func (c *Certificate) load(secret *corev1.Secret) (changed bool, err error) {
	certificate, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return false, fmt.Errorf("read %s and %s: %w", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, err)
	}
	before := c.current.Load()
	if before != nil && slices.EqualFunc(before.Certificate, certificate.Certificate, bytes.Equal) {
		return false, nil
	}
	c.Set(&certificate)
	return true, nil
}

// Describe implements prometheus.Collector.
func (c *Certificate) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- certificateExpiry
}

// Collect implements prometheus.Collector.
func (c *Certificate) Collect(collected chan<- prometheus.Metric) {
	if certificate := c.current.Load(); certificate != nil {
		collected <- prometheus.MustNewConstMetric(certificateExpiry, prometheus.GaugeValue, float64(certificate.Leaf.NotAfter.Unix()))
	}
}
