// Command wazosdk gets wazo's own JavaScript SDK and a Node.js, or finds them, and prints where they are.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/grantkeeper/grantkeeper/test/wazosdk"
)

func main() {
	paths, err := wazosdk.Find(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "wazosdk:", err)
		os.Exit(1)
	}
	fmt.Printf("%s\n%s\n", paths.Node, paths.Bundle)
}
