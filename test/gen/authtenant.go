package gen

import "github.com/grantkeeper/grantkeeper/api/v1alpha1"

// AuthTenant says nothing about the tenant but what the modifiers do.
func AuthTenant(mods ...func(*v1alpha1.AuthTenant)) *v1alpha1.AuthTenant {
	return build(&v1alpha1.AuthTenant{ObjectMeta: meta(v1alpha1.TenantName)}, mods)
}

// Dialects are what the endpoint speaks for the tenant.
func Dialects(dialects ...v1alpha1.Dialect) func(*v1alpha1.AuthTenant) {
	return func(t *v1alpha1.AuthTenant) { t.Spec.Dialects = dialects }
}

// TenantDefaults are what grants and clients have where they say nothing.
func TenantDefaults(defaults v1alpha1.TenantDefaults) func(*v1alpha1.AuthTenant) {
	return func(t *v1alpha1.AuthTenant) { t.Spec.Defaults = &defaults }
}

// TenantLimits bound the tenant's live sessions and the grants that the endpoint makes.
func TenantLimits(maxSessions, maxGrants int32) func(*v1alpha1.AuthTenant) {
	return func(t *v1alpha1.AuthTenant) {
		t.Spec.Limits = &v1alpha1.TenantLimits{MaxSessions: &maxSessions, MaxGrants: &maxGrants}
	}
}

// RotateEvery is how long a signing key signs.
func RotateEvery(every v1alpha1.Duration) func(*v1alpha1.AuthTenant) {
	return func(t *v1alpha1.AuthTenant) { t.Spec.Keys = &v1alpha1.TenantKeys{RotateEvery: &every} }
}

// TenantAnnotation asks for something.
func TenantAnnotation(key, value string) func(*v1alpha1.AuthTenant) {
	return func(t *v1alpha1.AuthTenant) {
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		t.Annotations[key] = value
	}
}
