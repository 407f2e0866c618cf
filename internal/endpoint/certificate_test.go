package endpoint

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllertest"
)

// informers hand out one informer that the test drives.
type informers struct {
	cache.Informers
	*controllertest.FakeInformer
	err error
}

func (i informers) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	return i.FakeInformer, i.err
}

func secret(namespace, name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	followed := types.NamespacedName{Namespace: "grantkeeper", Name: "serving"}
	log := &logged{}
	source := informers{FakeInformer: controllertest.NewFakeInformer()}
	certificate := &Certificate{}
	if err := certificate.Follow(logr.NewContext(t.Context(), log.logger(0)), source, followed); err != nil {
		t.Fatal(err)
	}
	first, second := secretData(t), secretData(t)
	broken := map[string][]byte{"tls.crt": second["tls.crt"], "tls.key": []byte(canary)}
	mixed := map[string][]byte{"tls.crt": second["tls.crt"], "tls.key": first["tls.key"]}
	longer := map[string][]byte{"tls.crt": append(second["tls.crt"], second["ca.crt"]...), "tls.key": second["tls.key"]}
	steps := []struct {
		name  string
		event func()
		want  []byte
	}{
		{"another Secret's certificate is not taken", func() { source.Add(secret("grantkeeper", "other", first)) }, nil},
		{"another namespace's certificate is not taken", func() { source.Add(secret("team-a", "serving", first)) }, nil},
		{"a Secret that cannot be read gives none", func() { source.Add(secret("grantkeeper", "serving", broken)) }, nil},
		{"the certificate is taken", func() { source.Add(secret("grantkeeper", "serving", first)) }, first["tls.crt"]},
		{"a Secret that cannot be read changes nothing", func() {
			source.Update(secret("grantkeeper", "serving", first), secret("grantkeeper", "serving", broken))
		}, first["tls.crt"]},
		{"a key of another certificate changes nothing", func() {
			source.Update(secret("grantkeeper", "serving", first), secret("grantkeeper", "serving", mixed))
		}, first["tls.crt"]},
		{"a new certificate is taken", func() {
			source.Update(secret("grantkeeper", "serving", first), secret("grantkeeper", "serving", second))
		}, second["tls.crt"]},
		{"a longer chain is taken", func() {
			source.Update(secret("grantkeeper", "serving", second), secret("grantkeeper", "serving", longer))
		}, longer["tls.crt"]},
		{"a Secret that goes away changes nothing", func() { source.Delete(secret("grantkeeper", "serving", longer)) }, longer["tls.crt"]},
	}
	for _, step := range steps {
		step.event()
		if got := chain(certificate); got != strings.Count(string(step.want), "BEGIN") || certificate.Ready() == nil != (step.want != nil) {
			t.Errorf("%s: %d certificates, ready: %v", step.name, got, certificate.Ready())
		}
		if _, err := certificate.get(nil); (err == nil) != (step.want != nil) {
			t.Errorf("%s: handshakes get %v", step.name, err)
		}
	}
	if log := log.text(); strings.Contains(log, canary) || strings.Count(log, `"Serving certificate loaded"`) != 3 || strings.Count(log, "cannot be read") != 3 {
		t.Errorf("the log says:\n%s", log)
	}
}

func chain(certificate *Certificate) int {
	if current := certificate.current.Load(); current != nil {
		return len(current.Certificate)
	}
	return 0
}

func TestFollowFailsWithoutAnInformer(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if err := new(Certificate).Follow(t.Context(), informers{err: broken}, types.NamespacedName{}); !errors.Is(err, broken) {
		t.Errorf("Follow = %v", err)
	}
}

func TestTheSameCertificateIsNoChange(t *testing.T) {
	t.Parallel()
	data := secretData(t)
	certificate := &Certificate{}
	for _, want := range []bool{true, false} {
		if changed, err := certificate.load(secret("", "", data)); err != nil || changed != want {
			t.Errorf("load = %t, %v; want %t", changed, err, want)
		}
	}
}

func TestExpiryIsExported(t *testing.T) {
	t.Parallel()
	server := &running{registry: prometheus.NewRegistry()}
	certificate := &Certificate{}
	server.registry.MustRegister(certificate)
	const name = "grantkeeper_serving_certificate_expiration_timestamp_seconds"
	if got := family(t, server, name); got != nil {
		t.Errorf("without a certificate: %v", got)
	}
	if _, err := certificate.load(secret("", "", secretData(t))); err != nil {
		t.Fatal(err)
	}
	if got, want := value(t, server, name), certificate.current.Load().Leaf.NotAfter.Unix(); got != float64(want) {
		t.Errorf("%v, want %d", got, want)
	}
}
