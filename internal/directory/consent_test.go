package directory_test

import (
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/grantkeeper/grantkeeper/api/v1alpha1"
	"github.com/grantkeeper/grantkeeper/internal/directory"
	"github.com/grantkeeper/grantkeeper/test/gen"
)

const away = "team-b"

// crossing is a grant in another namespace for alice and billing of this one.
func crossing(name string, mods ...func(*v1alpha1.RefreshTokenGrant)) *v1alpha1.RefreshTokenGrant {
	return gen.In(away, gen.RefreshTokenGrant(name, append([]func(*v1alpha1.RefreshTokenGrant){gen.UserIn(team)}, mods...)...))
}

// consents are all the ways to give one, and whether it covers the namespace away with its labels and
// without.
var consents = map[string]struct {
	given                        *v1alpha1.AllowedGrants
	whenLabelled, whenUnlabelled bool
}{
	"none":                           {nil, false, false},
	"one that is empty":              {&v1alpha1.AllowedGrants{}, false, false},
	"one that says nothing":          {&v1alpha1.AllowedGrants{Namespaces: &v1alpha1.AllowedNamespaces{}}, false, false},
	"its own namespace":              {from(v1alpha1.NamespacesFromSame), false, false},
	"another name":                   {gen.ToNames("team-c"), false, false},
	"the name":                       {gen.ToNames("team-c", away), true, true},
	"the beginning of the name":      {gen.ToNames("team"), false, false},
	"the label":                      {gen.ToLabelled("trust", "orders"), true, false},
	"another value of the label":     {gen.ToLabelled("trust", "billing"), false, false},
	"an empty value of the label":    {gen.ToLabelled("trust", ""), false, false},
	"another label":                  {gen.ToLabelled("team", "orders"), false, false},
	"no names":                       {from(v1alpha1.NamespacesFromNames), false, false},
	"no selector":                    {from(v1alpha1.NamespacesFromSelector), false, false},
	"a selector of everything":       {selecting(nil), false, false},
	"a selector of two labels":       {selecting(map[string]v1alpha1.LabelValue{"trust": "orders", "zone": "1"}), true, false},
	"a selector of one label amiss":  {selecting(map[string]v1alpha1.LabelValue{"trust": "orders", "zone": "2"}), false, false},
	"names that its from passes by":  {passedBy(gen.ToNames(away), v1alpha1.NamespacesFromSame), false, false},
	"labels that its from passes by": {passedBy(gen.ToLabelled("trust", "orders"), v1alpha1.NamespacesFromNames), false, false},
	"a from of tomorrow":             {passedBy(gen.ToNames(away), "All"), false, false},
}

func from(how v1alpha1.NamespacesFrom) *v1alpha1.AllowedGrants {
	return &v1alpha1.AllowedGrants{Namespaces: &v1alpha1.AllowedNamespaces{From: how}}
}

func selecting(labels map[string]v1alpha1.LabelValue) *v1alpha1.AllowedGrants {
	allowed := from(v1alpha1.NamespacesFromSelector)
	allowed.Namespaces.Selector = &v1alpha1.NamespaceSelector{MatchLabels: labels}
	return allowed
}

func passedBy(allowed *v1alpha1.AllowedGrants, by v1alpha1.NamespacesFrom) *v1alpha1.AllowedGrants {
	allowed.Namespaces.From = by
	return allowed
}

// namespaces are the ways in which the labels of the namespace away are, or are not, known.
var namespaces = map[string]struct {
	changes  []func(*directory.Directory)
	labelled bool
}{
	"unknown": {},
	"labelled": {
		changes: []func(*directory.Directory){label(away, "orders")}, labelled: true,
	},
	"without labels": {
		changes: []func(*directory.Directory){func(d *directory.Directory) { d.Put(gen.LabelledNamespace(away, nil)) }},
	},
	"labelled no more": {
		changes: []func(*directory.Directory){label(away, "orders"), func(d *directory.Directory) { d.Put(gen.LabelledNamespace(away, nil)) }},
	},
	"deleted": {
		changes: []func(*directory.Directory){label(away, "orders"), func(d *directory.Directory) { d.Remove(gen.LabelledNamespace(away, nil)) }},
	},
	"unlabelled beside one that is labelled": {
		changes: []func(*directory.Directory){label(team, "orders"), label("team-c", "orders")},
	},
}

func label(namespace, trust string) func(*directory.Directory) {
	return func(d *directory.Directory) {
		d.Put(gen.LabelledNamespace(namespace, map[string]string{"trust": trust, "zone": "1"}))
	}
}

func TestNothingCrossesWithoutConsent(t *testing.T) {
	t.Parallel()
	for consent, tc := range consents {
		for namespace, known := range namespaces {
			t.Run(fmt.Sprintf("%s, the namespace being %s", consent, namespace), func(t *testing.T) {
				t.Parallel()
				// Whoever makes a grant may label it; that is no label of the namespace.
				spoof := crossing("spoof", func(g *v1alpha1.RefreshTokenGrant) {
					g.Labels = map[string]string{"trust": "orders", "zone": "1", "kubernetes.io/metadata.name": "team-c"}
				})
				d, tenant := filled(spoof, gen.AuthUser("alice", gen.UserAllows(tc.given)), gen.AuthClient("billing", gen.ClientAllows(tc.given)))
				for _, change := range known.changes {
					change(d)
				}
				want := tc.whenUnlabelled
				if known.labelled {
					want = tc.whenLabelled
				}
				wantPermitted(t, tenant, &directory.Grant{RefreshTokenGrant: spoof}, want)
				// In the objects' own namespace there is nothing to consent to.
				wantPermitted(t, tenant, &directory.Grant{RefreshTokenGrant: gen.RefreshTokenGrant("own")}, true)
			})
		}
	}
}

func wantPermitted(t *testing.T, tenant *directory.Tenant, g *directory.Grant, want bool) {
	t.Helper()
	user, forUser := tenant.UserOf(g)
	client, forClient := tenant.ClientOf(g)
	if forUser != want || forClient != want || (user != nil) != want || (client != nil) != want {
		t.Errorf("grant %s/%s: user %t, client %t, want both %t", g.Namespace, g.Name, forUser, forClient, want)
	}
}

// TestWhatIsAbsentIsAsGoodAsNotPermitted: also of a namespace that nobody reads.
func TestWhatIsAbsentIsAsGoodAsNotPermitted(t *testing.T) {
	t.Parallel()
	for name, objects := range map[string][]client.Object{
		"no namespace":          nil,
		"objects without leave": {gen.AuthUser("alice"), gen.AuthClient("billing")},
		"other objects":         {gen.AuthUser("bob", gen.UserAllows(gen.ToNames(away))), gen.AuthClient("stock", gen.ClientAllows(gen.ToNames(away)))},
		"a user with another subject": {
			gen.AuthUser("alice", gen.UserAllows(gen.ToNames(away)), func(u *v1alpha1.AuthUser) { u.Spec.Subject = other }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := crossing("grant", func(g *v1alpha1.RefreshTokenGrant) { g.Spec.UserRef.Subject = subject })
			d, _ := filled(append(objects, g)...)
			wantPermitted(t, d.TenantOf(&directory.Grant{RefreshTokenGrant: g}), &directory.Grant{RefreshTokenGrant: g}, false)
			if _, known := d.Tenant(team); known && objects == nil {
				t.Error("a reference made its namespace a tenant")
			}
		})
	}
}
