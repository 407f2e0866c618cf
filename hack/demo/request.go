package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// request is one call of the endpoint: printed as a curl line, and made with net/http, so that the
// demo needs no curl. All strings may hold $VARIABLES.
type request struct {
	method  string   // "": GET, or POST where there is a body
	path    string   // below $GRANTKEEPER_URL
	user    string   // NAME:PASSWORD for Basic authentication
	headers []string // "Name: value"
	form    []string // "name=value", sent urlencoded
	json    string   // a body of type application/json
}

// answer is what came back.
type answer struct {
	status int
	body   []byte
}

// do prints the request, makes it, prints the answer, and fails where the status is another.
func (s *shell) do(ctx context.Context, r request, status int) (answer, error) {
	s.command(r.curl())
	got, err := s.send(ctx, r)
	if err != nil {
		return answer{}, err
	}
	fmt.Fprintf(s.out, "  %d %s\n", got.status, http.StatusText(got.status))
	for line := range strings.Lines(string(got.body)) {
		fmt.Fprintf(s.out, "  %s\n", strings.TrimSuffix(line, "\n"))
	}
	if got.status != status {
		return answer{}, fmt.Errorf("%s %s: status %d, want %d", r.verb(), r.path, got.status, status)
	}
	return got, nil
}

// send makes the request without a word.
func (s *shell) send(ctx context.Context, r request) (answer, error) {
	body, contentType := r.body(s.expand)
	address := s.expand("$GRANTKEEPER_URL" + r.path)
	request, err := http.NewRequestWithContext(ctx, r.verb(), address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	for _, header := range r.headers {
		name, value, _ := strings.Cut(s.expand(header), ": ")
		request.Header.Set(name, value)
	}
	if r.user != "" {
		name, password, _ := strings.Cut(s.expand(r.user), ":")
		request.SetBasicAuth(name, password)
	}
	response, err := s.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", r.verb(), r.path, err)
	}
	return answer{status: response.StatusCode, body: data}, nil
}

func (r request) verb() string {
	switch {
	case r.method != "":
		return r.method
	case r.json != "" || len(r.form) > 0:
		return http.MethodPost
	default:
		return http.MethodGet
	}
}

func (r request) body(expand func(string) string) (body, contentType string) {
	if r.json != "" {
		return expand(r.json), "application/json"
	}
	if len(r.form) == 0 {
		return "", ""
	}
	values := url.Values{}
	for _, field := range r.form {
		name, value, _ := strings.Cut(field, "=")
		values.Add(name, expand(value))
	}
	return values.Encode(), "application/x-www-form-urlencoded"
}

// curl is the request as a command.
func (r request) curl() []string {
	words := []string{"curl", "-sS", "--cacert", "$GRANTKEEPER_CA"}
	switch {
	case r.method == http.MethodHead:
		words = append(words, "--head")
	case r.method != "":
		words = append(words, "-X", r.method)
	}
	if r.user != "" {
		words = append(words, "-u", r.user)
	}
	for _, header := range r.headers {
		words = append(words, "-H", header)
	}
	if r.json != "" {
		words = append(words, "-H", "Content-Type: application/json", "-d", r.json)
	}
	for _, field := range r.form {
		words = append(words, "--data-urlencode", field)
	}
	return append(words, "$GRANTKEEPER_URL"+r.path)
}
