package rendering

import (
	"encoding/base64"
	"encoding/json"
)

type dockerAuths struct {
	Auths map[string]dockerAuth `json:"auths"`
}

type dockerAuth struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Auth     string `json:"auth"`
}

// dockerConfig writes a .docker/config.json with which container runtimes log in to one registry: as
// the user, with the access token for a password.
func dockerConfig(server string, values *Values) ([]byte, error) {
	token := values.AccessToken.Reveal()
	file, err := json.Marshal(dockerAuths{Auths: map[string]dockerAuth{server: {
		Username: values.Username,
		Password: token,
		Auth:     base64.StdEncoding.EncodeToString([]byte(values.Username + ":" + token)),
	}}})
	if err != nil {
		return nil, refusal("the values have no form in JSON")
	}
	return file, nil
}
