package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Kind is what was handed out.
type Kind int

// The kinds of tokens.
const (
	JWT Kind = iota
	Reference
	Refresh
	kinds
)

// Flow is one way to a token: a dialect and a grant type.
type Flow int

// The ways to a token.
const (
	OAuth2Password Flow = iota
	OAuth2RefreshToken
	OAuth2ClientCredentials
	OAuth2AuthorizationCode
	OAuth2Delivery
	WazoPassword
	WazoRefreshToken
	WazoDelivery
	flows
)

var kindLabels = [kinds]string{"JWT", "Reference", "Refresh"}

// The dialects, as people spell them.
const (
	DialectOAuth2 = "OAuth2"
	DialectWazo   = "Wazo"
)

var flowLabels = [flows]struct{ dialect, grantType string }{
	OAuth2Password:          {DialectOAuth2, "password"},
	OAuth2RefreshToken:      {DialectOAuth2, "refresh_token"},
	OAuth2ClientCredentials: {DialectOAuth2, "client_credentials"},
	OAuth2AuthorizationCode: {DialectOAuth2, "authorization_code"},
	OAuth2Delivery:          {DialectOAuth2, "delivery"},
	WazoPassword:            {DialectWazo, "password"},
	WazoRefreshToken:        {DialectWazo, "refresh_token"},
	WazoDelivery:            {DialectWazo, "delivery"},
}

// Dialect is the value of the label.
func (f Flow) Dialect() string { return flowLabels[f].dialect }

// GrantType is the value of the label.
func (f Flow) GrantType() string { return flowLabels[f].grantType }

// Tokens counts what is issued and refused. Its methods may be called at once from many goroutines,
// and on nil.
type Tokens struct {
	issued  [flows][kinds]prometheus.Counter
	refused map[string]map[string]prometheus.Counter // by dialect, then by reason
	foreign prometheus.Counter
}

// NewTokens makes and registers the counters, for refusals for these reasons.
func NewTokens(registry prometheus.Registerer, reasons []string) (*Tokens, error) {
	issued, refused, foreign := TokensIssued.CounterVec(), TokenRefusals.CounterVec(), ForeignSessions.Counter()
	if err := register(registry, issued, refused, foreign); err != nil {
		return nil, err
	}
	t := &Tokens{refused: map[string]map[string]prometheus.Counter{}, foreign: foreign}
	for flow, labels := range flowLabels {
		for kind, name := range kindLabels {
			t.issued[flow][kind] = issued.WithLabelValues(name, labels.dialect, labels.grantType)
		}
	}
	for _, dialect := range []string{DialectOAuth2, DialectWazo} {
		t.refused[dialect] = map[string]prometheus.Counter{}
		for _, reason := range reasons {
			t.refused[dialect][reason] = refused.WithLabelValues(dialect, reason)
		}
	}
	return t, nil
}

// Issued counts one token.
func (t *Tokens) Issued(flow Flow, kind Kind) {
	if t != nil {
		t.issued[flow][kind].Inc()
	}
}

// Refused counts one refusal. A reason that was not announced is a bug and is not counted.
func (t *Tokens) Refused(dialect, reason string) {
	if t == nil {
		return
	}
	if counter, ok := t.refused[dialect][reason]; ok {
		counter.Inc()
	}
}

// ForeignSession counts a look at a session that does not open.
func (t *Tokens) ForeignSession() {
	if t != nil {
		t.foreign.Inc()
	}
}
