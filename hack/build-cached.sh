#!/bin/sh
# build-cached.sh MODULE_DIR PACKAGE NAME [ALIAS ...]
#
# Builds PACKAGE of the Go module in MODULE_DIR and prints the directory that holds the binary
# NAME and a symlink for each ALIAS. The directory is in the user's cache and is named by a digest
# of all that decides the bytes (module files, sources, flags, Go version), so a second clone
# finds what the first has built. LDFLAGS is passed on. Progress goes to standard error.
set -eu

module=$1 package=$2 name=$3
shift 3

flags="-trimpath"
ldflags="-s -w ${LDFLAGS:-}"
# Not straight into a pipe, whose status would hide that one of these has failed.
inputs=$(
	go env GOVERSION GOOS GOARCH
	echo "$package $flags $ldflags"
	cat "$module"/go.mod "$module"/go.sum
	find "$module" -maxdepth 1 -name '*.go' | LC_ALL=C sort | xargs -r cat
)
digest=$(printf '%s\n' "$inputs" | sha256sum | cut -c1-16)

dir="${XDG_CACHE_HOME:-$HOME/.cache}/grantkeeper/$name-$digest"

# build leaves $dir/$name complete or not at all: it appears by a rename. An interrupted build
# takes its compiler and its working directory with it.
build() {
	work=$(mktemp -d "$dir/build.XXXXXX")
	pid=
	trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	started=$(date +%s)
	echo "building $name (once; later clones reuse $dir)" >&2
	# -v names each package as it is compiled: enough to show that a long build is alive.
	CGO_ENABLED=0 go build -C "$module" -v "$flags" -ldflags "$ldflags" -o "$work/$name" "$package" 2>"$work/log" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		elapsed=$(($(date +%s) - started))
		if [ $((elapsed % 15)) -eq 0 ]; then
			echo "  $name: ${elapsed}s, $(wc -l <"$work/log") packages compiled" >&2
		fi
	done
	if ! wait "$pid"; then
		tail -n 40 "$work/log" >&2
		exit 1
	fi
	pid=
	mv "$work/$name" "$dir/$name"
	echo "  $name: built in $(($(date +%s) - started))s" >&2
}

if [ ! -x "$dir/$name" ]; then
	mkdir -p "$dir"
	# Whoever comes second waits for the first, where the machine has flock, and builds nothing.
	exec 9>"$dir/lock"
	if ! command -v flock >/dev/null || flock 9; then
		[ -x "$dir/$name" ] || build
	fi
fi
for alias in "$@"; do
	[ -e "$dir/$alias" ] || ln -sf "$name" "$dir/$alias"
done
echo "$dir"
