package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
)

// writes counts what the API server was asked to write, by verb and resource. Leases are left out:
// a leader renews one as long as it lives.
type writes map[string]int64

// writes asks the API server what it has been asked so far.
func (w *world) writes(ctx context.Context) (writes, error) {
	transport, err := rest.HTTPClientFor(w.cp.Config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, w.cp.Config.Host+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := transport.Do(ask)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read the API server's metrics: %w", err)
	}
	return writesIn(body)
}

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// writesIn reads apiserver_request_total in the text format of Prometheus.
func writesIn(metrics []byte) (writes, error) {
	counted := writes{}
	lines := bufio.NewScanner(bytes.NewReader(metrics))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		series, isRequests := strings.CutPrefix(lines.Text(), "apiserver_request_total{")
		if !isRequests {
			continue
		}
		labels, value, _ := strings.Cut(series, "} ")
		of := map[string]string{}
		for _, pair := range label.FindAllStringSubmatch(labels, -1) {
			of[pair[1]] = pair[2]
		}
		if !isWrite(of["verb"]) || of["resource"] == "leases" || of["subresource"] == "token" {
			continue
		}
		count, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("read the API server's metrics: %w", err)
		}
		name := of["verb"] + " " + of["resource"]
		if of["subresource"] != "" {
			name += "/" + of["subresource"]
		}
		counted[name] += int64(count)
	}
	return counted, lines.Err()
}

func isWrite(verb string) bool {
	switch verb {
	case "POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION":
		return true
	}
	return false
}

// since gives what was written after an earlier count.
func (w writes) since(earlier writes) writes {
	counted := writes{}
	for name, count := range w {
		if more := count - earlier[name]; more > 0 {
			counted[name] = more
		}
	}
	return counted
}

func (w writes) total() (total int64) {
	for _, count := range w {
		total += count
	}
	return total
}

// per says how often each was written for one of n objects, the most frequent first.
func (w writes) per(n int) string {
	names := slices.SortedFunc(maps.Keys(w), func(a, b string) int {
		return cmp.Or(cmp.Compare(w[b], w[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%.2f %s", float64(w[name])/float64(n), name)
	}
	return strings.Join(names, ", ")
}
