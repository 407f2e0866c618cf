package operator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
)

// probe asks a server whose certificate nobody has handed out yet. It carries no credential.
var probe = &http.Client{Transport: &http.Transport{
	TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	DisableKeepAlives: true,
}}

// Ready asks the operator's /readyz.
func Ready(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %q: %w", url, err)
	}
	response, err := probe.Do(request)
	if err != nil {
		return fmt.Errorf("ask %q: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%q is not ready: %s", url, response.Status)
	}
	return nil
}
