package wazo

import (
	"net/http"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
)

// headStatus answers HEAD status: 200 where the tenant is served, and 503 where it is not, by this
// replica and now: it has not been read yet, its keys cannot be used, or what is known of it is too old.
func (a *API) headStatus(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	if _, err := a.options.Service.Tenant(call.Tenant); err != nil {
		a.refuse(w, r, call, asAPI, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// getBackends answers GET backends: passwords are proven in one way.
func (a *API) getBackends(w http.ResponseWriter, _ *http.Request, _ endpoint.Call) {
	send(w, http.StatusOK, enveloped{[]string{"wazo_user"}})
}

// tenantItem is what is told about a tenant.
type tenantItem struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

var tenantTable = table[tenantItem]{
	{name: "name", text: func(i tenantItem) string { return i.Name }, searched: true},
	{name: "slug", text: func(i tenantItem) string { return i.Slug }, searched: true},
	{name: "uuid", text: func(i tenantItem) string { return i.UUID }},
}

// masterTenant is what clients look for to find the tenant that an installation begins with.
const masterTenant = "master"

// ownTenant is the caller's tenant. It is called by its namespace, but for the default one.
func (a *API) ownTenant(c *caller) tenantItem {
	name := c.call.Tenant
	if name == a.options.Service.DefaultTenant {
		name = masterTenant
	}
	return tenantItem{UUID: c.tenant.UID, Name: name, Slug: name}
}

// getTenants answers GET tenants: the caller's own tenant and no other.
func (a *API) getTenants(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	answer, err := tenantTable.answer([]tenantItem{a.ownTenant(c)}, r.URL.RawQuery)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, answer)
	return nil
}

// getTenant answers GET tenants/{tenant_uuid}. To a caller there is no tenant but its own.
func (a *API) getTenant(w http.ResponseWriter, r *http.Request, c *caller, _ members) error {
	own := a.ownTenant(c)
	if id := r.PathValue("tenant_uuid"); id != own.UUID {
		return errUnknown("tenant", id)
	}
	send(w, http.StatusOK, own)
	return nil
}
