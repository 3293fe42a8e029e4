#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes what building and testing need, once for each kernel version, in the cache:
#   root/              Debian 13 with the kernel's toolchain, QEMU, and the kernel itself
#   root/build/linux   the kernel's source, prepared for out-of-tree Rust modules
# Nothing is kept of a part that did not finish.

. "$(dirname "$0")/lib.sh"

SUITE=trixie
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
PACKAGES=(gcc make libc6-dev flex bison bc libelf-dev libssl-dev kmod cpio rsync python3 perl
	xz-utils zstd dwarves rustc rust-src bindgen rustfmt rust-clippy clang lld llvm
	qemu-system-x86 busybox-static e2fsprogs fdisk fio iperf3 iproute2 ethtool linuxptp)
NEED_GB=12

check_machine() {
	[ "$(id -u)" = 0 ] || die "set-up makes a Debian root and mounts in it, so it must run as root: sudo make $*"
	[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m); the tests run on x86_64 only"
	[ -r /etc/debian_version ] || die "this is not Debian; set-up is tried on Debian 12 and 13 (as root)"
	mkdir -p "$CACHE"
	local free
	free=$(df --output=avail -BG "$CACHE" | tail -n 1 | tr -dc 0-9)
	[ -e "$ROOT/.complete" ] || [ "$free" -ge $NEED_GB ] ||
		die "$CACHE has $free GB free, $NEED_GB are needed: make room, or set XDG_CACHE_HOME to another disk"
}

install_missing() {
	local missing=()
	command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
	[ -e $KEYRING ] || missing+=(debian-archive-keyring)
	command -v unshare >/dev/null || missing+=(util-linux)
	command -v cc >/dev/null || missing+=(gcc libc6-dev)
	[ ${#missing[@]} -eq 0 ] && return
	say "installing on this machine: ${missing[*]}"
	{ apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$LOGS/apt.log" 2>&1 ||
		die "apt-get could not install ${missing[*]}: is there a network? ($LOGS/apt.log)"
}

# Runs inside the new root, while it still has the package lists.
kernel_hook() {
	cat <<-HOOK
	set -e
	cd /
	want=$KERNEL
	if ! apt-cache show "linux-image-\$want" >/dev/null 2>&1; then
		want=\$(apt-cache search '^linux-source-7\.' | sed 's/linux-source-\([0-9.]*\).*/\1/' | sort -rV |
			while read -r v; do
				apt-cache search "^linux-image-\$v\.[0-9]*+deb13-amd64\$" | sed 's/linux-image-\([^ ]*\).*/\1/' | sort -rV | head -n 1
			done | head -n 1)
		[ -n "\$want" ] || { echo "no linux-image-7.* with its source in the archive"; exit 1; }
		echo "NOTE: linux-image-$KERNEL is not in the archive any more, taking \$want"
	fi
	# Unpacked, not installed: no boot loader, no initial RAM disk, no dependencies.
	packages="linux-source-\$(echo "\$want" | cut -d. -f1,2) hyperv-daemons"
	for part in image binary modules base headers; do
		apt-cache show "linux-\$part-\$want" >/dev/null 2>&1 && packages="\$packages linux-\$part-\$want"
	done
	mkdir /debs
	cd /debs
	apt-get download -t $SUITE-backports \$packages
	for deb in *.deb; do dpkg -x "\$deb" /; done
	cd /
	rm -r /debs
	depmod "\$want"
	for file in vmlinuz config; do
		[ -e "/boot/\$file-\$want" ] || cp "/usr/lib/modules/\$want/\$file" "/boot/\$file-\$want"
	done
	echo "\$want" >/kernel-version
	HOOK
}

make_root() {
	local partial=$ROOT.partial hook=$CACHE/kernel-hook.sh
	rm -rf --one-file-system "$partial"
	mkdir -p "$(dirname "$ROOT")"
	kernel_hook >"$hook"
	mmdebstrap --mode=root --variant=apt --keyring=$KEYRING \
		--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
		--include="$(IFS=,; echo "${PACKAGES[*]}")" \
		--customize-hook="copy-in $hook /" --customize-hook='chroot "$1" sh /kernel-hook.sh' \
		$SUITE "$partial" "deb $MIRROR $SUITE main" "deb $MIRROR $SUITE-backports main" ||
		{ rm -rf --one-file-system "$partial" "$hook"; return 1; }
	rm "$hook"
	mv "$partial" "$ROOT"
}

# The kernel's configuration and Rust metadata as Debian built them: only rust/ and a few tools
# are compiled.
prepare_kernel() {
	rm -rf "$ROOT/build"
	in_root --bind "$REPO/tests/setup" /setup -- \
		/setup/packaging/kernel-tree.sh "$(cat "$ROOT/kernel-version")" /build/linux
}

check_machine "$@"
mkdir -p "$LOGS"
install_missing
# A root that was made with another list of packages is made anew.
contents=$({ echo "${PACKAGES[*]}"; kernel_hook; } | sha1sum | cut -d' ' -f1)
if [ "$(cat "$ROOT/.root" 2>/dev/null)" != "$contents" ]; then
	rm -rf --one-file-system "$ROOT"
	step setup-root make_root
	echo "$contents" >"$ROOT/.root"
fi
grep -h '^NOTE: ' "$LOGS/setup-root.log" 2>/dev/null || true
if [ ! -e "$ROOT/.complete" ]; then
	step setup-kernel prepare_kernel
	touch "$ROOT/.complete"
fi
