#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# intree.sh TREE: places the drivers in a kernel's source as drivers/hv/rust/, with one line in
# drivers/hv/Kconfig and one in drivers/hv/Makefile, and changes nothing else. Done again, it copies
# what has changed, so that the kernel's next build is a short one. With them goes what the kernel's
# tool for KUnit looks for there.

. "$(dirname "$0")/lib.sh"

tree=${1:-}

check_source() {
	[ -d "$tree" ] || die "KSRC=$tree: no such folder"
	[ -f "$tree/drivers/hv/Kconfig" ] && [ -f "$tree/drivers/hv/Makefile" ] ||
		die "KSRC=$tree has no drivers/hv: it is not a kernel's source (a distribution's headers are not enough)"
	[ -f "$tree/rust/macros/module.rs" ] ||
		die "KSRC=$tree is a kernel without rust/macros/module.rs: the drivers need Linux 7.3 or newer"
	[ -w "$tree/drivers/hv" ] || die "KSRC=$tree: drivers/hv cannot be written to"
}

place() {
	local dest=$tree/drivers/hv/rust file
	(driver_sources; echo .kunitconfig) | while read -r file; do
		cmp -s "$REPO/$file" "$dest/$file" || install -D -m 644 "$REPO/$file" "$dest/$file"
	done
	# What is no longer a source of ours.
	comm -13 <(driver_sources | sort) <(cd "$dest" && find . -name '*.rs' -o -name '*.c' ! -name '*.mod.c' | sed 's/^..//' | sort) |
		grep -v '^include/hv_bindings.rs$' | while read -r file; do rm "$dest/$file"; done || true
}

# The entries are within the menu of Hyper-V's, and there only once.
connect() {
	local kconfig=$tree/drivers/hv/Kconfig makefile=$tree/drivers/hv/Makefile
	grep -q '"drivers/hv/rust/Kconfig"' "$kconfig" ||
		sed -i '$!b;s|^endmenu|source "drivers/hv/rust/Kconfig"\n\n&|' "$kconfig"
	grep -q '"drivers/hv/rust/Kconfig"' "$kconfig" || echo 'source "drivers/hv/rust/Kconfig"' >>"$kconfig"
	grep -q 'rust/$' "$makefile" || echo 'obj-$(CONFIG_RUST)		+= rust/' >>"$makefile"
}

if [ -z "$tree" ]; then
	"$REPO/tests/setup/kernel.sh" source
	exit
fi
check_source
place
connect
say "the drivers are in $tree/drivers/hv/rust; their symbols are HYPERV_VMBUS_RUST, HYPERV_STORAGE_RUST, HYPERV_NET_RUST, HYPERV_UTILS_RUST (the C bus, HYPERV_VMBUS, has to be off)"
