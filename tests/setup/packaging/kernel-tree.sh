#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel-tree.sh [RELEASE] [TREE]: makes a tree that Rust modules for a Debian kernel can be built in,
# by default for the kernel that runs, in /usr/src/linux-rust-RELEASE, where DKMS looks for it.
#
# Debian's headers ship no Rust metadata. It is made anew here, from the kernel's source and
# configuration, with the compiler that the kernel was built with. That takes a few minutes: only
# the kernel's Rust part and some tools are compiled.

set -eu -o pipefail
. "$(dirname "$0")/say.sh"
. "$(dirname "$0")/tree.sh"

release=${1:-$(uname -r)}
tree=${2:-/usr/src/linux-rust-$release}
version=${release%%[+-]*}
series=$(cut -d. -f1,2 <<<"$version")
source=/usr/src/linux-source-$series.tar.xz
config=/boot/config-$release
symbols=/usr/src/linux-headers-$release/Module.symvers

check_machine() {
	local name
	[ -e "$config" ] || die "there is no $config: install the package linux-image-$release"
	grep -q '^CONFIG_RUST=y' "$config" || die "the kernel $release was built without CONFIG_RUST=y"
	[ -e "$symbols" ] || die "there is no $symbols: install the package linux-headers-$release"
	[ -e "$source" ] || die "there is no $source: install the package linux-source-$series in version $version"
	for name in make flex bison bc rustc bindgen; do
		command -v $name >/dev/null || die "there is no $name here; needed are the packages make flex bison bc libelf-dev libssl-dev rustc rust-src bindgen clang llvm"
	done
}

# The name that the configuration has for the C compiler.
compiler() { sed -n 's/^CONFIG_CC_VERSION_TEXT="\([^ ]*\) .*/\1/p' "$config"; }

unpack() {
	local have
	rm -rf "$tree"
	mkdir -p "$tree"
	tar --extract --file "$source" --directory "$tree" --strip-components=1
	have=$(make -s -C "$tree" kernelversion)
	[ "$have" = "$version" ] || die "$source is of Linux $have, but the kernel is $version"
	cp "$config" "$tree/.config"
}

check_machine
unpack
make -C "$tree" -j"$(nproc)" CC="$(compiler)" LOCALVERSION="${release#"$version"}" olddefconfig prepare modules_prepare
cp "$symbols" "$tree/"
check_symbols "$tree" "$config"
