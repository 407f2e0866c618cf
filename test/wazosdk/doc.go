// Package wazosdk finds wazo's own JavaScript SDK, and a Node.js to run it, for the test that lets an
// existing client talk to the operator. What the machine lacks comes from the npm registry once, is checked
// against the digests in this package, and stays in the user's cache.
package wazosdk
