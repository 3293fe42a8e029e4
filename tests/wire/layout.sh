#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# usage: layout.sh KERNEL-TREE OUTPUT [MAKE-ARGUMENT...]
# Has the C compiler lay out the kernel's structures and writes "name number" lines to OUTPUT.
set -eu

kernel=$1 output=$2
shift 2
source=$(cd "$(dirname "$0")/layout" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

make -s -C "$kernel" M="$source" MO="$build" "$@" layout.s
sed -n 's/^[[:space:]]*\.ascii "->\([A-Za-z0-9_.]*\) \$\{0,1\}\([0-9]*\) .*/\1 \2/p' \
	"$build/layout.s" > "$output"
test -s "$output"
