// Package redis starts a real redis-server, or valkey-server, for a test: on a loopback port, with a
// password and TLS where these are asked for, with nothing on disk, and gone with the test. The program
// comes from hack/redis.sh.
package redis
