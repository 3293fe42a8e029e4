#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh build [KDIR]     builds the modules, for Debian's kernel or for a tree of your own
# modules.sh install [KDIR]   builds and installs them under INSTALL_MOD_PATH

. "$(dirname "$0")/lib.sh"

action=$1
kdir=${2:-}

build_for_tree() {
	check_tree "$kdir"
	BUILT=$OUT/modules-$(cat "$kdir/include/config/kernel.release")
	mkdir -p "$BUILT"
	make -C "$kdir" M="$REPO" MO="$BUILT" -j"$(nproc)" modules
}

# A newer tree in the cache than the modules' last build means another kernel: start afresh.
build_for_debian() {
	[ -e "$ROOT/.complete" ] || "$REPO/tests/setup/setup.sh" modules
	BUILT=$OUT/modules
	mkdir -p "$BUILT" "$LOGS"
	[ "$BUILT" -nt "$ROOT/.complete" ] || rm -rf "${BUILT:?}"/*
	touch "$BUILT"
	in_root --bind "$REPO" /src --bind "$BUILT" /out -- \
		make -C /build/linux $(debian_make_args) \
		M=/src MO=/out -j"$(nproc)" ${CLIPPY:+CLIPPY=1} modules >"$LOGS/modules.log" 2>&1 || {
			grep -v '^make' "$LOGS/modules.log" | tail -n 60 >&2
			die "the modules do not build; the whole log is in $LOGS/modules.log"
		}
	grep -A20 -E 'warning' "$LOGS/modules.log" || true
	say "modules for $(cat "$ROOT/kernel-version") are in $BUILT"
}

if [ -n "$kdir" ]; then build_for_tree; else build_for_debian; fi

if [ "$action" = install ]; then
	release=$(cat "${kdir:-$ROOT/build/linux}/include/config/kernel.release")
	dest=${INSTALL_MOD_PATH:-}/lib/modules/$release
	[ -n "${INSTALL_MOD_PATH:-}" ] || [ -d "$dest" ] ||
		die "$dest does not exist: kernel $release is not installed here (INSTALL_MOD_PATH=... installs elsewhere)"
	mkdir -p "$dest/updates/hyperv-rust"
	cp "$BUILT"/*.ko "$dest/updates/hyperv-rust/" || die "cannot write to $dest (are you root?)"
	depmod -b "${INSTALL_MOD_PATH:-/}" "$release" || warn "depmod did not run (it is in the package kmod): 'modprobe' will not find the modules before it has"
	say "installed in $dest/updates/hyperv-rust"
fi
