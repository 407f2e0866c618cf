package wazo

import (
	"net/http"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
)

// Who logs in and out for as long as it goes leaves as many objects as a user may, and no more; what is
// held can be ended all the same, and others go on.
func TestALoopOfLoginsAndLogoutsEnds(t *testing.T) {
	t.Parallel()
	h := newTenant(t)
	h.put(&v1alpha1.AuthTenant{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.TenantName},
		Spec: v1alpha1.AuthTenantSpec{Defaults: &v1alpha1.TenantDefaults{
			WazoAccessToken: &v1alpha1.TenantWazoAccessToken{Format: v1alpha1.TokenFormatJWT},
		}},
	})
	h.put(user("bob", func(u *v1alpha1.AuthUser) { u.Spec.Subject = subject[:35] + "1" }))
	held := h.token(h.login(`{"expiration": 60}`)).Token
	logout := func(token string) {
		if got := h.do("DELETE", "/0.1/token/"+token, ""); got.status != http.StatusOK {
			t.Fatalf("a logout is answered with %d %s", got.status, got.body)
		}
	}
	const limit = v1alpha1.DefaultMaxSessions
	var last reply
	for logins := 0; ; logins++ {
		// A short life buys no more: a revocation outlives its token.
		if last = h.login(`{"expiration": 1}`); last.status != http.StatusOK {
			if logins != limit {
				t.Errorf("%d logins, want %d", logins, limit)
			}
			break
		}
		logout(h.token(last).Token)
	}
	wantProblem(t, last, http.StatusTooManyRequests, "too many tokens were revoked of late")
	if wait := last.header.Get("Retry-After"); wait != "10801" { // three hours after the second that it lived
		t.Errorf("Retry-After is %q", wait)
	}
	logout(held)
	h.wantStatus(http.StatusNotFound, held)
	h.token(h.do("POST", "/0.1/token", `{}`, "Authorization", basic("bob:"+password)))
	if objects := h.revocations(); len(objects) != limit+1 {
		t.Errorf("there are %d objects, want %d", len(objects), limit+1)
	}
}

// revocations are the tenant's as the API server has them.
func (h *tenant) revocations() []v1alpha1.TokenRevocation {
	h.Helper()
	list := &v1alpha1.TokenRevocationList{}
	if err := h.client.List(h.Context(), list, client.InNamespace(h.namespace)); err != nil {
		h.Fatal(err)
	}
	return list.Items
}
