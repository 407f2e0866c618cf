package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokensAreShortenedAndNothingElse(t *testing.T) {
	t.Parallel()
	const (
		jwt     = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
		refresh = "353fefa1-d013-4633-a7d3-c6cb574ddc26.1.1.1.3q2-7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGho"
		uuid    = "dc93c753-6ced-4433-9abf-fde629a69a07"
	)
	tests := map[string]struct{ text, want string }{
		"a JWT alone":                         {jwt, "eyJhbGci…" + jwt[len(jwt)-6:]},
		"a refresh token alone":               {refresh, "353fefa1…" + refresh[len(refresh)-6:]},
		"a reference token in wazo's answer":  {`{"data":{"token":"` + uuid + `","auth_id":"` + uuid + `"}}`, `{"data":{"token":"dc93c753…a69a07","auth_id":"` + uuid + `"}}`},
		"both tokens of an OAuth 2.0 answer":  {`{"access_token":"` + jwt + `","refresh_token":"` + refresh + `"}`, `{"access_token":"eyJhbGci…` + jwt[len(jwt)-6:] + `","refresh_token":"353fefa1…` + refresh[len(refresh)-6:] + `"}`},
		"an id":                               {uuid, uuid},
		"a key id":                            {"DGUK9FYZc8ioLupF0tK_4D_Vk9eHGImO7Htna58GMFs", "DGUK9FYZc8ioLupF0tK_4D_Vk9eHGImO7Htna58GMFs"},
		"a token type, which is short anyway": {`{"token_type":"Bearer"}`, `{"token_type":"Bearer"}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, shorten(tc.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestALongOutputIsLaidOutForAScreen(t *testing.T) {
	t.Parallel()
	member := `"` + strings.Repeat("x", 58) + `":1`
	tests := map[string]struct {
		output string
		want   []string
	}{
		"nothing":                      {"\n", nil},
		"lines":                        {"a  b\n\nc\r\n", []string{"a  b", "", "c"}},
		"JSON breaks behind a comma":   {"{" + member + "," + member + "}\n", []string{"{" + member + ",", " " + member + "}"}},
		"other long lines do not":      {member + "," + member, []string{member + "," + member}},
		"what is too much is cut away": {strings.Repeat("line\n", 50), append(strings.Split(strings.Repeat("line ", 24), " ")[:24], "…")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, lay(tc.output)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
