package rendering

import (
	"strings"
	"time"

	"github.com/grantkeeper/grantkeeper/internal/sensitive"
)

// canary stands in every secret value of the tests: no error may hold it.
const canary = "canary"

var emptyToken sensitive.String

// someValues are the values of a token with everything that a token can have.
func someValues() *Values {
	return &Values{
		Namespace:    "demo",
		AccessToken:  sensitive.New("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.access-" + canary),
		RefreshToken: sensitive.New("gkr_refresh-" + canary),
		ExpiresAt:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		ClientID:     "billing",
		Issuer:       "https://auth.example.com/t/demo",
		TokenURL:     "https://auth.example.com/t/demo/token",
		CABundle:     []byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
		Username:     "alice",
		Subject:      "6f1c0c3e-0000-4000-8000-000000000001",
		Scopes:       []string{"orders:read", "orders:write"},
		Audiences:    []string{"https://orders.example.com"},
	}
}

// crowded are the values of a token whose lists are as long as specs allow.
func crowded() *Values {
	values := someValues()
	for range 574 {
		values.Scopes = append(values.Scopes, strings.Repeat("s", 256))
		values.Audiences = append(values.Audiences, strings.Repeat("a", 256))
	}
	return values
}
