#!/bin/sh
# redis.sh prints the path of a redis-server, or of a valkey-server, that tests can start. REDIS_SERVER,
# where it is set, wins; then one that is on the PATH. Otherwise Debian's package goes into the user's
# cache, with the libraries that the machine lacks: nothing is installed, no service is started, and root
# is needed only where the lists of packages are empty.
set -eu

if [ -n "${REDIS_SERVER:-}" ]; then
	echo "$REDIS_SERVER"
	exit
fi
for name in redis-server valkey-server; do
	if command -v "$name"; then
		exit
	fi
done
if ! command -v apt-get >/dev/null; then
	echo 'There is neither redis-server nor valkey-server on the PATH, nor apt-get to get one with: install one, or set REDIS_SERVER.' >&2
	exit 1
fi

cache="${XDG_CACHE_HOME:-$HOME/.cache}/grantkeeper"
dir="$cache/redis"

# dependencies are the packages that the named ones need and the machine does not have.
dependencies() {
	apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
		sed -n 's/^ *Depends: \([^<].*\)$/\1/p' | sort -u | while read -r package; do
		case $package in
		redis-* | adduser | lsb-base | *-helpers) ;;
		*) dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package" ;;
		esac
	done
}

download() {
	# shellcheck disable=SC2046 # one word for each package
	(cd "$work/packages" && apt-get download redis-server redis-tools $(dependencies redis-server redis-tools)) >&2
}

# unpack leaves $dir complete or not at all: it appears by a rename.
unpack() {
	work=$(mktemp -d "$cache/redis.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
	if ! apt-cache show redis-server >/dev/null 2>&1; then
		apt-get update >&2
	fi
	echo "getting redis-server (once; later clones reuse $dir)" >&2
	mkdir "$work/packages" "$work/root"
	# Lists that are old name packages that are not there any more.
	download || { apt-get update >&2 && download; }
	for package in "$work/packages"/*.deb; do
		dpkg -x "$package" "$work/root"
	done
	# exec keeps the process id, by which the server is ended.
	cat >"$work/redis-server" <<-'END'
		#!/bin/sh
		root=$(cd "$(dirname "$0")" && pwd)/root
		for libraries in "$root"/usr/lib/*/ "$root"/lib/*/; do
			LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries"
		done
		export LD_LIBRARY_PATH
		exec "$root/usr/bin/redis-server" "$@"
	END
	chmod +x "$work/redis-server"
	"$work/redis-server" --version >&2
	rm -rf "$work/packages"
	mv "$work" "$dir"
}

if [ ! -x "$dir/redis-server" ]; then
	mkdir -p "$cache"
	# Whoever comes second waits for the first, where the machine has flock, and gets nothing.
	exec 9>"$cache/redis.lock"
	if ! command -v flock >/dev/null || flock 9; then
		[ -x "$dir/redis-server" ] || unpack
	fi
fi
echo "$dir/redis-server"
