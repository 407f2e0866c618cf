package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// curlName is what the program is called by where it stands in for curl.
const curlName = "curl"

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// request is what a curl command line asks for: no more than the demo's own lines do.
type request struct {
	method  string // empty: GET
	address string
	user    string   // NAME:PASSWORD
	headers []string // "Name: value"
	body    string
	ca      string // file of the certificates that are trusted
	output  string // file that takes the answer; empty: standard output
	head    bool   // print the status and the headers
}

// curl makes a request with net/http and prints the answer, as curl does on a machine that has it.
// Like there, an answer with an error status is an answer.
func curl(ctx context.Context, out io.Writer, args []string) error {
	r, err := parseCurl(args)
	if err != nil {
		return err
	}
	response, err := r.send(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if r.head {
		fmt.Fprintf(out, "%s %d\r\n", strings.TrimSuffix(response.Proto, ".0"), response.StatusCode)
		if err := response.Header.Write(out); err != nil {
			return err
		}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if r.output != "" {
		return os.WriteFile(r.output, body, 0o600)
	}
	_, err = out.Write(body)
	return err
}

func parseCurl(args []string) (*request, error) {
	r := &request{}
	for len(args) > 0 {
		option := args[0]
		args = args[1:]
		switch {
		case option == "-sS": // what is meant by it is so anyway
			continue
		case option == "--head":
			r.method, r.head = http.MethodHead, true
			continue
		case !strings.HasPrefix(option, "-"):
			r.address = option
			continue
		case len(args) == 0:
			return nil, fmt.Errorf("option %s: no value", option)
		}
		value := args[0]
		args = args[1:]
		if err := r.set(option, value); err != nil {
			return nil, err
		}
	}
	if r.address == "" {
		return nil, errors.New("no URL")
	}
	if r.method == "" && r.body != "" {
		r.method = http.MethodPost
	}
	return r, nil
}

func (r *request) set(option, value string) error {
	switch option {
	case "--cacert":
		r.ca = value
	case "-X":
		r.method = value
	case "-u":
		r.user = value
	case "-H":
		r.headers = append(r.headers, value)
	case "-o":
		r.output = value
	case "-d":
		if r.body != "" {
			r.body += "&"
		}
		r.body += value
	default:
		return fmt.Errorf("option %s is not one that the demo uses; install curl for more", option)
	}
	return nil
}

func (r *request) send(ctx context.Context) (*http.Response, error) {
	out, err := http.NewRequestWithContext(ctx, r.method, r.address, strings.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.body != "" {
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range r.headers {
		name, value, _ := strings.Cut(header, ":")
		out.Header.Set(name, strings.TrimSpace(value))
	}
	if name, password, ok := strings.Cut(r.user, ":"); ok {
		out.SetBasicAuth(name, password)
	}
	pool := x509.NewCertPool()
	certificates, err := os.ReadFile(r.ca)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(certificates) {
		return nil, fmt.Errorf("%s holds no certificate", r.ca)
	}
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}
	return client.Do(out)
}
