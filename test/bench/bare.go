package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/grantkeeper/grantkeeper/test/process"
)

// bareCommand is the argument that makes this program the bare server: a process of its own, so
// that its CPU can be told from that of the clients.
const bareCommand = "serve-bare"

// signed is as long as what the operator signs in a token.
var signed = strings.Repeat("x", 560)

// serveBare serves the least that a token endpoint can do, on net/http and TLS as they come:
//   - POST /token parses a form and Basic credentials, signs once with P-256, and answers in JSON;
//   - HEAD /api/auth/0.1/token/{token} parses a token in the path and a scope in the query.
//
// It prints its URL and serves until the context ends.
func serveBare(ctx context.Context, out io.Writer) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { bareToken(w, r, key) })
	routes.HandleFunc("HEAD /api/auth/0.1/token/{token}", bareCheck)
	server := httptest.NewUnstartedServer(routes)
	server.StartTLS()
	defer server.Close()
	fmt.Fprintln(out, server.URL)
	<-ctx.Done()
	return nil
}

type bareAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
}

func bareToken(w http.ResponseWriter, r *http.Request, key *ecdsa.PrivateKey) {
	_, secret, ok := r.BasicAuth()
	if err := r.ParseForm(); err != nil || !ok || secret == "" || r.PostForm.Get("grant_type") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	digest := sha256.Sum256([]byte(signed))
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(bareAnswer{ //nolint:gosec // it is no token; and a client that is gone is no matter
		AccessToken:  signed + "." + base64.RawURLEncoding.EncodeToString(signature),
		TokenType:    "Bearer",
		ExpiresIn:    3600,
		RefreshToken: r.PostForm.Get("refresh_token"),
		Scope:        scope,
	})
}

func bareCheck(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("token") == "" || r.URL.Query().Get("scope") == "" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// startBare starts this program as the bare server and gives its URL.
func startBare(ctx context.Context, dir string) (*process.Process, string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	command, log := exec.Command(program, bareCommand), filepath.Join(dir, "bare.log")
	p, err := process.Start(command, log)
	if err != nil {
		return nil, "", err
	}
	var url string
	err = p.AwaitReady(ctx, func(context.Context) (err error) {
		url, err = firstLine(log)
		return err
	})
	return p, url, err
}

func firstLine(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return "", errors.New("it has not said where it listens")
	}
	return strings.TrimSpace(line), nil
}
