#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build.sh RELEASE HEADERS SOURCE: what DKMS runs in its copy of SOURCE. The tree to build in is the
# kernel's headers if these can do it, else the one that kernel-tree.sh has made.

set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/say.sh"
. "$here/tree.sh"

release=$1 headers=$2 source=$3 tree=/usr/src/linux-rust-$1
if [ -e "$headers/rust/libkernel.rmeta" ]; then
	tree=$headers
elif [ ! -d "$tree" ]; then
	die "the headers of $release in $headers have no Rust metadata, as Debian's never have.
Make a tree that has, once for each kernel: $source/packaging/kernel-tree.sh $release"
fi
check_tree "$tree"
built=$(cat "$tree/include/config/kernel.release")
[ "$built" = "$release" ] || die "$tree is for the kernel $built, not for $release"
compiler=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$tree/.config")
exec make -C "$tree" M="$(dirname "$here")" CC="$compiler" -j"$(nproc)" modules
