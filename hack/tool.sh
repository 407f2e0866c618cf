#!/bin/sh
# tool.sh NAME prints the path of a development tool, built once from the module hack/tools/NAME,
# whose `tool` line says which package it is.
set -eu

hack=$(cd "$(dirname "$0")" && pwd)
module="$hack/tools/$1"
package=$(sed -n 's|^tool ||p' "$module/go.mod")
dir=$("$hack/build-cached.sh" "$module" "$package" "$1")
echo "$dir/$1"
