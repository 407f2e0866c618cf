package wazo

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// asked is a tokenRequest in a form that can be compared.
type asked struct {
	Lifetime     time.Duration
	ClientID     string
	Offline      bool
	Refresh      bool
	RefreshToken string
	Tenant       string
}

func askedOf(p *tokenRequest) asked {
	a := asked{p.lifetime, p.clientID, p.offline, p.refresh, p.refreshToken.Reveal(), ""}
	if p.tenant != nil {
		a.Tenant = *p.tenant
	}
	return a
}

func TestParseTokenRequest(t *testing.T) {
	t.Parallel()
	plain := asked{}
	lasting := func(lifetime time.Duration) asked { return asked{Lifetime: lifetime} }
	tests := map[string]struct {
		body string
		want asked
	}{
		"an empty object":                                   {`{}`, plain},
		"null counts as empty":                              {`null`, plain},
		"an empty list counts as empty":                     {` [ ] `, plain},
		"white space around it":                             {"\r\n\t {} \n", plain},
		"unknown members are ignored":                       {`{"colour": "red", "depth": {"a": [null]}}`, plain},
		"login and password in the body are ignored":        {`{"login": 1, "password": null}`, plain},
		"a null in a member that nobody asks for":           {`{"colour": null}`, plain},
		"the case of a name matters":                        {`{"Expiration": "abc"}`, plain},
		"an expiration":                                     {`{"expiration": 10}`, lasting(10 * time.Second)},
		"an expiration of one second":                       {`{"expiration": 1}`, lasting(time.Second)},
		"the longest expiration":                            {`{"expiration": 315360000}`, lasting(315360000 * time.Second)},
		"the longest expiration with a fraction":            {`{"expiration": 315360000.5}`, lasting(315360000 * time.Second)},
		"an expiration with an empty fraction":              {`{"expiration": 10.0}`, lasting(10 * time.Second)},
		"an expiration whose fraction is cut":               {`{"expiration": 10.5}`, lasting(10 * time.Second)},
		"an expiration whose fraction is cut, not rounded":  {`{"expiration": 10.999}`, lasting(10 * time.Second)},
		"an expiration with an exponent":                    {`{"expiration": 1e3}`, lasting(1000 * time.Second)},
		"an expiration with a fraction and an exponent":     {`{"expiration": 3.1536E+8}`, lasting(315360000 * time.Second)},
		"an expiration with a negative exponent":            {`{"expiration": 100000e-4}`, lasting(10 * time.Second)},
		"an expiration in a string":                         {`{"expiration": "10"}`, lasting(10 * time.Second)},
		"an expiration in a string with spaces":             {`{"expiration": " 10 "}`, lasting(10 * time.Second)},
		"an expiration in a string with a sign":             {`{"expiration": "+10"}`, lasting(10 * time.Second)},
		"an expiration in a string with zeros in front":     {`{"expiration": "0010"}`, lasting(10 * time.Second)},
		"an expiration in an escaped string":                {`{"expiration": "\u0031\u0030"}`, lasting(10 * time.Second)},
		"of two expirations the last counts":                {`{"expiration": 10, "expiration": 20}`, lasting(20 * time.Second)},
		"a wrong expiration before the last does not count": {`{"expiration": null, "expiration": 20}`, lasting(20 * time.Second)},
		"an escaped name is the name":                       {`{"expir\u0061tion": 20}`, lasting(20 * time.Second)},
		"online":                                            {`{"access_type": "online"}`, plain},
		"a client_id online":                                {`{"client_id": "phone"}`, asked{ClientID: "phone"}},
		"a client_id of one character":                      {`{"client_id": "é"}`, asked{ClientID: "é"}},
		"a client_id of 1024 characters, not bytes": {
			`{"client_id": "` + strings.Repeat("é", 1024) + `"}`, asked{ClientID: strings.Repeat("é", 1024)},
		},
		"offline with a client_id": {`{"access_type": "offline", "client_id": "phone"}`, asked{ClientID: "phone", Offline: true}},
		"a refresh": {
			`{"refresh_token": "secret", "client_id": "phone", "expiration": 60}`,
			asked{Lifetime: time.Minute, ClientID: "phone", Refresh: true, RefreshToken: "secret"},
		},
		"a refresh that says online": {
			`{"refresh_token": "secret", "client_id": "phone", "access_type": "online"}`,
			asked{ClientID: "phone", Refresh: true, RefreshToken: "secret"},
		},
		"an empty refresh token is one all the same": {
			`{"refresh_token": "", "client_id": "phone"}`, asked{ClientID: "phone", Refresh: true},
		},
		"any backend":                  {`{"backend": "ldap_user"}`, plain},
		"an empty backend":             {`{"backend": ""}`, plain},
		"a domain_name":                {`{"domain_name": "example.com"}`, plain},
		"a saml_session_id":            {`{"saml_session_id": "s"}`, plain},
		"a tenant_id is looked up":     {`{"tenant_id": "t"}`, asked{Tenant: "t"}},
		"a NUL in a client_id is text": {`{"client_id": "\u0000"}`, asked{ClientID: "\x00"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parseTokenRequest([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, askedOf(p)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTokenRequestRefuses(t *testing.T) {
	t.Parallel()
	const seconds = "expiration: must be a number of seconds from 1 to 315360000"
	const length = "client_id: must have 1 to 1024 characters"
	const needed = "client_id: is required with refresh_token and with access_type offline"
	tests := map[string]struct {
		body string
		want string
	}{
		"no body":                              {``, errNotJSON.text},
		"white space alone":                    {"  \n", errNotJSON.text},
		"a word":                               {`expiration`, errNotJSON.text},
		"a form":                               {`expiration=10`, errNotJSON.text},
		"an object that does not end":          {`{"expiration": 10`, errNotJSON.text},
		"an object with more behind":           {`{} {}`, errNotJSON.text},
		"a trailing comma":                     {`{"expiration": 10,}`, errNotJSON.text},
		"single quotes":                        {`{'expiration': 10}`, errNotJSON.text},
		"a number that is none":                {`{"expiration": NaN}`, errNotJSON.text},
		"a number with a zero in front":        {`{"expiration": 010}`, errNotJSON.text},
		"a number with a plus":                 {`{"expiration": +10}`, errNotJSON.text},
		"a control character in a string":      {"{\"client_id\": \"a\nb\"}", errNotJSON.text},
		"what is not UTF-8":                    {"{\"client_id\": \"\xff\"}", errNotJSON.text},
		"a byte order mark":                    {"\ufeff{}", errNotJSON.text},
		"more depth than any request needs":    {strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000), errNotJSON.text},
		"a string":                             {`"text"`, "the body must be an object"},
		"an empty string":                      {`""`, "the body must be an object"},
		"a number alone":                       {`0`, "the body must be an object"},
		"false":                                {`false`, "the body must be an object"},
		"a list with something in it":          {`[{}]`, "the body must be an object"},
		"an expiration of null":                {`{"expiration": null}`, seconds},
		"an expiration of zero":                {`{"expiration": 0}`, seconds},
		"an expiration below one":              {`{"expiration": 0.9}`, seconds},
		"a negative expiration":                {`{"expiration": -1}`, seconds},
		"an expiration of minus zero":          {`{"expiration": -0}`, seconds},
		"an expiration past ten years":         {`{"expiration": 315360001}`, seconds},
		"an expiration of 22 digits":           {`{"expiration": 1234567890123456789012}`, seconds},
		"an expiration of 10,000 digits":       {`{"expiration": ` + strings.Repeat("9", 10000) + `}`, seconds},
		"an expiration beyond floats":          {`{"expiration": 1e999999999}`, seconds},
		"an expiration next to nothing":        {`{"expiration": 1e-999999999}`, seconds},
		"an expiration that is a word":         {`{"expiration": "abc"}`, seconds},
		"a fraction in a string":               {`{"expiration": "10.5"}`, seconds},
		"an exponent in a string":              {`{"expiration": "1e3"}`, seconds},
		"an empty string as expiration":        {`{"expiration": ""}`, seconds},
		"zero in a string":                     {`{"expiration": "0"}`, seconds},
		"22 digits in a string":                {`{"expiration": "1234567890123456789012"}`, seconds},
		"spaces within the digits":             {`{"expiration": "1 0"}`, seconds},
		"hexadecimal digits in a string":       {`{"expiration": "0x10"}`, seconds},
		"an underscore in a string":            {`{"expiration": "1_0"}`, seconds},
		"true as expiration":                   {`{"expiration": true}`, seconds},
		"a list as expiration":                 {`{"expiration": [1]}`, seconds},
		"an object as expiration":              {`{"expiration": {}}`, seconds},
		"of two expirations the last is wrong": {`{"expiration": 10, "expiration": "abc"}`, seconds},
		"an access_type of null":               {`{"access_type": null}`, "access_type: must be a string"},
		"an access_type that is a number":      {`{"access_type": 1}`, "access_type: must be a string"},
		"an unknown access_type":               {`{"access_type": "Offline"}`, "access_type: must be online or offline"},
		"an empty access_type":                 {`{"access_type": ""}`, "access_type: must be online or offline"},
		"a client_id of null":                  {`{"client_id": null}`, "client_id: must be a string"},
		"a client_id that is a number":         {`{"client_id": 42}`, "client_id: must be a string"},
		"an empty client_id":                   {`{"client_id": ""}`, length},
		"a client_id of 1025 characters":       {`{"client_id": "` + strings.Repeat("x", 1025) + `"}`, length},
		"offline without a client_id":          {`{"access_type": "offline"}`, needed},
		"a refresh without a client_id":        {`{"refresh_token": "secret"}`, needed},
		"a refresh token of null":              {`{"refresh_token": null, "client_id": "phone"}`, "refresh_token: must be a string"},
		"a refresh token that is a list":       {`{"refresh_token": ["a"], "client_id": "phone"}`, "refresh_token: must be a string"},
		"a refresh token and offline": {
			`{"refresh_token": "secret", "access_type": "offline", "client_id": "phone"}`, "refresh_token: cannot be used with access_type offline",
		},
		"a backend of null":              {`{"backend": null}`, "backend: must be a string"},
		"a backend that is a number":     {`{"backend": 1}`, "backend: must be a string"},
		"a saml_session_id of null":      {`{"saml_session_id": null}`, "saml_session_id: must be a string"},
		"a domain_name of null":          {`{"domain_name": null}`, "domain_name: must be a string"},
		"a tenant_id of null":            {`{"tenant_id": null}`, "tenant_id: must be a string"},
		"a tenant_id that is an object":  {`{"tenant_id": {}}`, "tenant_id: must be a string"},
		"a tenant_id with a domain_name": {`{"tenant_id": "", "domain_name": ""}`, "tenant_id: cannot be used with domain_name"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parseTokenRequest([]byte(tc.body))
			if err == nil {
				t.Fatalf("taken as %+v", askedOf(p))
			}
			wantInvalid(t, err, tc.want)
		})
	}
}

func TestParseScopesRequest(t *testing.T) {
	t.Parallel()
	const list = "scopes: must be a list of strings"
	tenant := "t"
	tests := map[string]struct {
		body    string
		scopes  []string
		tenant  *string
		refused string
	}{
		"scopes":                      {body: `{"scopes": ["a.b", ""]}`, scopes: []string{"a.b", ""}},
		"no scope at all":             {body: `{"scopes": []}`, scopes: []string{}},
		"a tenant":                    {body: `{"scopes": [], "tenant_uuid": "t"}`, scopes: []string{}, tenant: &tenant},
		"unknown members are ignored": {body: `{"scopes": ["a"], "colour": null}`, scopes: []string{"a"}},
		"of two lists the last":       {body: `{"scopes": 1, "scopes": ["b"]}`, scopes: []string{"b"}},
		"as many scopes as may be":    {body: `{"scopes": ["a"` + strings.Repeat(`,"a"`, 255) + `]}`, scopes: slices.Repeat([]string{"a"}, 256)},
		"more scopes than may be":     {body: `{"scopes": ["a"` + strings.Repeat(`,"a"`, 256) + `]}`, refused: "scopes: must not have more than 256"},
		"missing scopes":              {body: `{}`, refused: list},
		"a body of null":              {body: `null`, refused: list},
		"a body that is a list":       {body: `["a"]`, refused: "the body must be an object"},
		"scopes of null":              {body: `{"scopes": null}`, refused: list},
		"scopes that are a string":    {body: `{"scopes": "a"}`, refused: list},
		"scopes that are an object":   {body: `{"scopes": {"a": true}}`, refused: list},
		"a scope of null":             {body: `{"scopes": ["a", null]}`, refused: list},
		"a scope that is a number":    {body: `{"scopes": [1]}`, refused: list},
		"a scope that is a list":      {body: `{"scopes": [["a"]]}`, refused: list},
		"a tenant of null":            {body: `{"scopes": [], "tenant_uuid": null}`, refused: "tenant_uuid: must be a string"},
		"a tenant that is a number":   {body: `{"scopes": [], "tenant_uuid": 1}`, refused: "tenant_uuid: must be a string"},
		"no body":                     {body: ``, refused: errNotJSON.text},
		"malformed":                   {body: `{"scopes": [}`, refused: errNotJSON.text},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := parseScopesRequest([]byte(tc.body))
			if tc.refused != "" {
				wantInvalid(t, err, tc.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.scopes, p.scopes); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.tenant, p.tenant); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wantInvalid wants a 400, in the framework's shape where the body is no JSON.
func wantInvalid(t *testing.T, err error, text string) {
	t.Helper()
	p, ok := errors.AsType[*problem](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	want := problem{status: http.StatusBadRequest, text: text, framework: text == errNotJSON.text}
	if *p != want {
		t.Errorf("got %+v, want %+v", *p, want)
	}
}

func FuzzParseTokenRequest(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, `{"expiration": 1e3}`, `{"expiration": " 10 "}`, `{"expiration": 1e999}`,
		`{"access_type": "offline", "client_id": "phone"}`, `{"refresh_token": "", "client_id": "\ud800"}`,
		`{"tenant_id": "t", "backend": "wazo_user"}`, `{"expiration": 1, "expiration": null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := parseTokenRequest(body)
		if err != nil {
			wantBadRequest(t, err)
			return
		}
		if p.lifetime < 0 || p.lifetime > 315360000*time.Second || p.lifetime%time.Second != 0 {
			t.Errorf("a lifetime of %s", p.lifetime)
		}
		if length := utf8.RuneCountInString(p.clientID); length > 1024 || length == 0 && (p.offline || p.refresh) {
			t.Errorf("a client_id of %d characters", length)
		}
		if p.offline && p.refresh || !p.refresh && !p.refreshToken.IsZero() {
			t.Errorf("taken as %+v", askedOf(p))
		}
		if !utf8.ValidString(p.clientID) || !utf8.ValidString(p.refreshToken.Reveal()) {
			t.Error("a text is not UTF-8")
		}
		if !json.Valid(body) {
			t.Error("what is no JSON was read")
		}
	})
}

func FuzzParseScopesRequest(f *testing.F) {
	for _, seed := range []string{``, `{"scopes": []}`, `{"scopes": ["a", null]}`, `{"scopes": ["a"], "tenant_uuid": "t"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := parseScopesRequest(body)
		if err != nil {
			wantBadRequest(t, err)
			return
		}
		for _, scope := range p.scopes {
			if !utf8.ValidString(scope) {
				t.Errorf("the scope %q is not UTF-8", scope)
			}
		}
	})
}

// wantBadRequest also wants that the answer quotes nothing of the body.
func wantBadRequest(t *testing.T, err error) {
	t.Helper()
	p, ok := errors.AsType[*problem](err)
	if !ok || p.status != http.StatusBadRequest {
		t.Fatalf("the error is %v", err)
	}
	known := []string{"The body", "the body", "expiration: ", "access_type: ", "client_id: ", "refresh_token: ", "backend: ", "saml_session_id: ", "domain_name: ", "tenant_id: ", "scopes: ", "tenant_uuid: "}
	for _, start := range known {
		if strings.HasPrefix(p.text, start) {
			return
		}
	}
	t.Errorf("the text is %q", p.text)
}
