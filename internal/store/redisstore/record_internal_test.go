package redisstore

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/keys"
)

func example() *v1alpha1.AuthSession {
	return &v1alpha1.AuthSession{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team-a", Name: "digest"},
		Spec: v1alpha1.AuthSessionSpec{
			ID: "8c1f0e52-7d3a-4b6c-9a2e-1f4d5c6b7a80", Subject: "6f1c2d3e-4a5b-4c6d-8e7f-90a1b2c3d4e5", Username: "alice",
			ClientID: "desk-phone", GrantID: "353fefa1-0c3f-4a2b-9d7e-5b6c7d8e9fa0", GrantNamespace: "team-b", Mobile: true,
			ExpiresAt: metav1.NewTime(time.Date(2026, time.January, 1, 2, 0, 0, 0, time.UTC)), Sealed: []byte{1, 0, 255},
		},
	}
}

// TestARecordIsReadByLaterVersions: a replica of one version reads what one of another has written.
func TestARecordIsReadByLaterVersions(t *testing.T) {
	t.Parallel()
	record, err := encode(example())
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/session.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), string(record)+"\n"); diff != "" {
		t.Errorf("record (-golden +got):\n%s", diff)
	}
	if diff := cmp.Diff(example(), decode(keys.Tenant{Namespace: "team-a"}, "digest", golden), cmp.Comparer(func(a, b metav1.Time) bool { return a.Equal(&b) })); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
}

// FuzzRecord: whatever the server gives, it is a session of that name, and it has somewhere to be taken
// out from.
func FuzzRecord(f *testing.F) {
	record, err := encode(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(record)
	f.Add([]byte(`{"sealed":"AQID","expiresAt":null}`))
	f.Add([]byte(`[`))
	tenant := keys.Tenant{Namespace: "team-a", UID: "uid"}
	f.Fuzz(func(t *testing.T, record []byte) {
		session := decode(tenant, "digest", record)
		if session.Name != "digest" || session.Namespace != "team-a" {
			t.Errorf("it is %s/%s", session.Namespace, session.Name)
		}
		if sets := keysOf(tenant).sets(session); len(sets) < 4 {
			t.Errorf("sets %v", sets)
		}
	})
}
