package wazosdk

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// largest bounds what is read of a package: that of Node.js has 50 MiB, and 130 when it is unpacked.
const largest = 512 << 20

// npmPackage is one version of a package, with the digest that the registry told when it was chosen (in the
// form of https://www.w3.org/TR/SRI/).
type npmPackage struct{ name, version, integrity string }

// registry is an npm registry, and the directory that keeps what came from it.
type registry struct{ url, cache string }

// registryURL is the registry that npm itself would ask.
func registryURL() string {
	return strings.TrimSuffix(cmp.Or(os.Getenv("npm_config_registry"), "https://registry.npmjs.org"), "/")
}

// get gives the directory of a package, which is there whole or not at all.
func (r registry) get(ctx context.Context, p npmPackage) (dir string, err error) {
	dir = filepath.Join(r.cache, fmt.Sprintf("npm-%s-%s", strings.ReplaceAll(p.name, "/", "-"), p.version))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	archive, err := r.download(ctx, p)
	if err != nil {
		return "", fmt.Errorf("get %s %s: %w", p.name, p.version, err)
	}
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	work, err := os.MkdirTemp(r.cache, "npm-")
	if err != nil {
		return "", fmt.Errorf("make a directory in the cache: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := unpack(archive, work); err != nil {
		return "", fmt.Errorf("unpack %s %s: %w", p.name, p.version, err)
	}
	if err := os.Rename(work, dir); err != nil && !errors.Is(err, fs.ErrExist) { // somebody else was faster
		return "", fmt.Errorf("keep %s %s: %w", p.name, p.version, err)
	}
	return dir, nil
}

// download gives the bytes of a package that has the digest.
func (r registry) download(ctx context.Context, p npmPackage) ([]byte, error) {
	url := fmt.Sprintf("%s/%s/-/%s-%s.tgz", r.url, p.name, path.Base(p.name), p.version)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	archive, err := io.ReadAll(io.LimitReader(response.Body, largest))
	if err != nil {
		return nil, err
	}
	digest := sha512.Sum512(archive)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(digest[:]); got != p.integrity {
		return nil, fmt.Errorf("%s has the digest %s, want %s", url, got, p.integrity)
	}
	return archive, nil
}

// unpack writes the regular files of a package, whose names all begin with one directory, and nothing
// outside of dir.
func unpack(archive []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	decompressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	files := tar.NewReader(io.LimitReader(decompressed, largest))
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, ok := strings.Cut(header.Name, "/")
		if !ok || header.Typeflag != tar.TypeReg {
			continue
		}
		if err := write(root, name, files, header.FileInfo().Mode().Perm()); err != nil {
			return err
		}
	}
}

func write(root *os.Root, name string, from io.Reader, mode fs.FileMode) (err error) {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode|0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = io.Copy(file, from)
	return err
}
