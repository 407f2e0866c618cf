package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/grantkeeper/grantkeeper/internal/endpoint"
)

// metadata is what a client may find out about a tenant's endpoint before it knows anything (RFC 8414
// §2). It tells of what works, and of nothing else.
type metadata struct {
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	RevocationEndpoint     string   `json:"revocation_endpoint"`
	IntrospectionEndpoint  string   `json:"introspection_endpoint"`
	ResponseTypes          []string `json:"response_types_supported"`
	ResponseModes          []string `json:"response_modes_supported"`
	GrantTypes             []string `json:"grant_types_supported"`
	TokenAuth              []string `json:"token_endpoint_auth_methods_supported"`
	RevocationAuth         []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionAuth      []string `json:"introspection_endpoint_auth_methods_supported"`
	CodeChallengeMethods   []string `json:"code_challenge_methods_supported"`
	AuthorizationIssuerSet bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// serveMetadata answers GET /.well-known/oauth-authorization-server for the tenant of the call.
func (e *TokenEndpoint) serveMetadata(w http.ResponseWriter, r *http.Request, call endpoint.Call) {
	tenant, err := e.service.Tenant(call.Tenant)
	if err != nil {
		e.Fail(w, r, call, err)
		return
	}
	answer, err := json.Marshal(metadataOf(tenant.Issuer))
	if err != nil {
		e.Fail(w, r, call, fmt.Errorf("write the metadata: %w", err))
		return
	}
	send(w, http.StatusOK, append(answer, '\n'))
}

func metadataOf(issuer string) metadata {
	secret := []string{"client_secret_basic", "client_secret_post"}
	anyClient := []string{"client_secret_basic", "client_secret_post", "none"}
	return metadata{
		Issuer:                 issuer,
		AuthorizationEndpoint:  issuer + "/authorize",
		TokenEndpoint:          issuer + "/token",
		JWKSURI:                issuer + "/jwks",
		RevocationEndpoint:     issuer + "/revoke",
		IntrospectionEndpoint:  issuer + "/introspect",
		ResponseTypes:          []string{"code"},
		ResponseModes:          []string{"query"},
		GrantTypes:             []string{"authorization_code", "refresh_token", "client_credentials", "password"},
		TokenAuth:              anyClient,
		RevocationAuth:         anyClient,
		IntrospectionAuth:      secret,
		CodeChallengeMethods:   []string{"S256"},
		AuthorizationIssuerSet: true,
	}
}
