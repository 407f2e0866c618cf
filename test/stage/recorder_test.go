package stage

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// TestTheRecorderSeesBrokenPromises: what every other test here rests on.
func TestTheRecorderSeesBrokenPromises(t *testing.T) {
	t.Parallel()
	secret := func(revision, token string, left time.Duration) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
				v1alpha1.AnnotationGrantID:   "grant",
				v1alpha1.AnnotationRevision:  revision,
				v1alpha1.AnnotationExpiresAt: time.Now().Add(left).Format(time.RFC3339),
			}},
			Data: map[string][]byte{v1alpha1.KeyAccessToken: []byte(token)},
		}
	}
	for name, tc := range map[string]struct {
		seen []*corev1.Secret
		want string // a part of the complaint; empty: none
	}{
		"a token that is renewed":    {seen: []*corev1.Secret{secret("1", "a", time.Hour), secret("2", "b", time.Hour)}},
		"a token that comes back":    {seen: []*corev1.Secret{secret("1", "a", time.Hour), secret("1", "a", time.Hour)}},
		"a token that a test spoils": {seen: []*corev1.Secret{secret("1", "a", time.Hour), secret("1", Vandalism, time.Hour)}},
		"two tokens of one revision": {
			seen: []*corev1.Secret{secret("1", "a", time.Hour), secret("1", "b", time.Hour)}, want: "two different tokens",
		},
		"two tokens of an earlier revision": {
			seen: []*corev1.Secret{secret("1", "a", time.Hour), secret("2", "b", time.Hour), secret("1", "c", time.Hour)}, want: "two different tokens",
		},
		"a revision that falls": {
			seen: []*corev1.Secret{secret("2", "b", time.Hour), secret("1", "a", time.Hour)}, want: "follows 2",
		},
		"a token that expired before the next one": {
			seen: []*corev1.Secret{secret("1", "a", -time.Minute), secret("2", "b", time.Hour)}, want: "expired",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecorder()
			for _, secret := range tc.seen {
				r.take(secret)
			}
			problems := r.Violations()
			if tc.want == "" && len(problems) > 0 || tc.want != "" && (len(problems) == 0 || !strings.Contains(problems[0].Error(), tc.want)) {
				t.Errorf("complaints %v, want %q", problems, tc.want)
			}
		})
	}
}
