package operator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/test/controlplane"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

// withdrawn is how long a token may be good after its consent was taken back.
const withdrawn = time.Second

// border is a grant in one namespace for a user and a client of another one.
type border struct {
	here, there *scene // where the user is, and where the grant
	user        *v1alpha1.AuthUser
	client      *v1alpha1.AuthClient
	grant       *v1alpha1.RefreshTokenGrant
}

func newBorder() *border {
	b := &border{here: sceneIn(sharedTenants[1]), there: sceneIn(sharedTenants[2])}
	b.user, b.client = b.here.user(), b.here.client(gen.EveryGrantType())
	b.grant = b.there.grant(
		gen.UserIn(b.here.namespace), gen.ForUser(b.user.Name), gen.ForClient(b.client.Name), gen.DeliversRefreshToken(), withoutID,
		func(g *v1alpha1.RefreshTokenGrant) { g.Spec.RefreshToken.KeyVersion = 0 },
	)
	return b
}

// labelNamespace sets one label of a namespace, or takes it off where the value is empty.
func labelNamespace(t *testing.T, name, key, value string) {
	t.Helper()
	namespace := &corev1.Namespace{}
	namespace.Name = name
	edit(t, namespace, func(namespace *corev1.Namespace) {
		delete(namespace.Labels, key)
		if value != "" {
			namespace.Labels[key] = value
		}
	})
}

// TestATokenCrossesForAsLongAsItIsPermitted: it is of the user's tenant, whose endpoint knows within a
// second that it is not permitted any more.
func TestATokenCrossesForAsLongAsItIsPermitted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		allowed        func(*border) *v1alpha1.AllowedGrants
		give, withdraw func(*testing.T, *border)
	}{
		"by the name of its namespace, which the user drops": {
			allowed: func(b *border) *v1alpha1.AllowedGrants { return gen.ToNames(b.there.namespace) },
			give: func(t *testing.T, b *border) {
				t.Helper()
				edit(t, b.user, gen.UserAllows(gen.ToNames(b.there.namespace)))
			},
			withdraw: func(t *testing.T, b *border) { t.Helper(); edit(t, b.user, gen.UserAllows(nil)) },
		},
		"by the name of its namespace, which the client drops": {
			allowed: func(b *border) *v1alpha1.AllowedGrants { return gen.ToNames(b.there.namespace) },
			give: func(t *testing.T, b *border) {
				t.Helper()
				edit(t, b.client, gen.ClientAllows(gen.ToNames(b.there.namespace)))
			},
			withdraw: func(t *testing.T, b *border) { t.Helper(); edit(t, b.client, gen.ClientAllows(nil)) },
		},
		"by a label of its namespace, which is taken off": {
			allowed: func(b *border) *v1alpha1.AllowedGrants { return gen.ToLabelled(b.there.name("trust"), "orders") },
			give: func(t *testing.T, b *border) {
				t.Helper()
				labelNamespace(t, b.there.namespace, b.there.name("trust"), "orders")
			},
			withdraw: func(t *testing.T, b *border) {
				t.Helper()
				labelNamespace(t, b.there.namespace, b.there.name("trust"), "")
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBorder()
			// Whoever makes a grant may label it: that is no label of its namespace.
			b.grant.Labels = map[string]string{b.there.name("trust"): "orders"}
			b.there.apply(t, b.grant)
			absent := awaitRefused(t, b.grant, v1alpha1.ReasonRefNotPermitted)
			b.here.apply(t, b.user, b.client)
			awaitReady(t, b.user, b.client)
			if message := awaitRefused(t, b.grant, v1alpha1.ReasonRefNotPermitted); message != absent {
				t.Errorf("the status tells a user who does not permit the grant (%q) from one who does not exist (%q)", message, absent)
			}
			edit(t, b.client, gen.ClientAllows(tc.allowed(b)))
			edit(t, b.user, gen.UserAllows(tc.allowed(b)))
			tc.give(t, b)
			awaitReady(t, b.grant)
			delivered := secretOf(t, b.grant)
			b.check(t, delivered)

			before := newHolder(t, b, delivered)
			before.wantGood(t)
			tc.withdraw(t, b)
			before.awaitDead(t, time.Now())
			awaitRefused(t, b.grant, v1alpha1.ReasonRefNotPermitted)
			sameData(t, "while it is not permitted", secretOf(t, b.grant), delivered)
			if b.grant.Status.Username != "" || b.grant.Status.ClientID != "" {
				t.Errorf("the status still tells of %q and %q", b.grant.Status.Username, b.grant.Status.ClientID)
			}

			tc.give(t, b)
			awaitReady(t, b.grant)
			sameData(t, "once it is permitted again", secretOf(t, b.grant), delivered)
			before.wantGood(t)
		})
	}
}

// check verifies a delivered token with nothing but what its Secret holds.
func (b *border) check(t *testing.T, delivered *corev1.Secret) {
	t.Helper()
	claims, err := byGoJose(string(delivered.Data[v1alpha1.KeyAccessToken]), jwks(t, delivered))
	if err != nil {
		t.Fatal(err)
	}
	for claim, want := range map[string]string{
		"iss": issuerOf(b.here.namespace), "sub": gen.Subject(b.user.Name),
		"sid": b.grant.Spec.ID + ".1." + b.there.namespace,
	} {
		if claims[claim] != want {
			t.Errorf("%s is %v, want %s", claim, claims[claim], want)
		}
	}
	if delivered.Namespace != b.there.namespace || string(delivered.Data[v1alpha1.KeyIssuer]) != issuerOf(b.here.namespace) {
		t.Errorf("the token is in %q and names %q", delivered.Namespace, delivered.Data[v1alpha1.KeyIssuer])
	}
}

// holder has the tokens of a grant and the credentials of its client.
type holder struct {
	*caller
	id, secret, access, refresh string
}

func newHolder(t *testing.T, b *border, delivered *corev1.Secret) *holder {
	t.Helper()
	credential := secretNamed(t, b.here.namespace, b.client.Spec.Secret.Generate.SecretName)
	return &holder{
		caller: newCaller(t, delivered),
		id:     b.client.EffectiveClientID(), secret: string(credential.Data[v1alpha1.KeyClientSecret]),
		access: string(delivered.Data[v1alpha1.KeyAccessToken]), refresh: string(delivered.Data[v1alpha1.KeyRefreshToken]),
	}
}

func (h *holder) active(t *testing.T) bool {
	t.Helper()
	answer := h.call(t, http.MethodPost, "/introspect", h.id, h.secret, "application/x-www-form-urlencoded", url.Values{"token": {h.access}}.Encode(), http.StatusOK)
	return answer["active"] == true
}

func (h *holder) use(t *testing.T, wantStatus int) {
	t.Helper()
	h.form(t, h.id, h.secret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.refresh}}, wantStatus)
}

func (h *holder) wantGood(t *testing.T) {
	t.Helper()
	if !h.active(t) {
		t.Error("the access token is not active")
	}
	h.use(t, http.StatusOK)
}

// awaitDead waits until the endpoint refuses the tokens.
func (h *holder) awaitDead(t *testing.T, since time.Time) {
	t.Helper()
	controlplane.Eventually(t, patience, func(context.Context) error {
		if h.active(t) {
			return fmt.Errorf("the access token is still active")
		}
		return nil
	})
	h.use(t, http.StatusBadRequest)
	if took := time.Since(since); took > withdrawn {
		t.Errorf("the tokens were dead after %s, want at most %s", took, withdrawn)
	}
}

// TestAChosenIDHarmsNobodyElsewhere: whoever may make grants in a namespace chooses their ids, and may
// choose that of a grant in another one, whose user permits the namespace.
func TestAChosenIDHarmsNobodyElsewhere(t *testing.T) {
	t.Parallel()
	b := newBorder()
	allowed := gen.ToNames(b.there.namespace)
	gen.UserAllows(allowed)(b.user)
	gen.ClientAllows(allowed)(b.client)
	victim := b.here.grant(gen.DeliversRefreshToken())
	b.here.apply(t, b.user, b.client, victim)
	awaitReady(t, victim)
	tokens := secretOf(t, victim)
	held := newHolder(t, b, tokens)
	held.wantGood(t)

	b.grant.Spec.ID = victim.Spec.ID
	seen.Excuse(victim.Spec.ID) // the recorder knows grants by their ids alone
	b.there.apply(t, b.grant)
	awaitReady(t, b.grant)
	thief := newHolder(t, b, secretOf(t, b.grant))
	thief.wantGood(t)
	awaitReady(t, victim)
	sameData(t, "beside a grant of the same id", secretOf(t, victim), tokens)
	held.wantGood(t)

	remove(t, victim)
	held.awaitDead(t, time.Now())
	thief.wantGood(t)
}
