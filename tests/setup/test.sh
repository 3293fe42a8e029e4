#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What people type at the top level: what it says when it cannot be done, and what it leaves behind.
# Prints a line for each check that passed, and fails at the first that does not.

. "$(dirname "$0")/lib.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# refuses WORDS COMMAND...: the command fails, and what it prints has the words.
refuses() {
	local words=$1 text status=0
	shift
	text=$("$@" 2>&1) || status=$?
	[ $status -ne 0 ] || die "'$*' should fail"
	grep -qF "error: " <<<"$text" && grep -qF "$words" <<<"$text" || die "'$*' does not say '$words': $text"
	echo "ok: $* refuses: $words"
}

# prepared LINE...: a kernel tree with such a configuration, as far as the checks look.
prepared() {
	rm -rf "$tmp/tree"
	mkdir -p "$tmp/tree/rust"
	printf '%s\n' "$@" >"$tmp/tree/.config"
}

modules=(make --no-print-directory -C "$REPO" modules)
refuses "no such folder" "${modules[@]}" KDIR="$tmp/missing"
refuses "no .config" "${modules[@]}" KDIR="$tmp"
prepared CONFIG_HYPERV=y
refuses "without CONFIG_RUST=y" "${modules[@]}" KDIR="$tmp/tree"
prepared CONFIG_HYPERV=y CONFIG_RUST=y
refuses "no rust/libkernel.rmeta" "${modules[@]}" KDIR="$tmp/tree"
prepared CONFIG_HYPERV=y CONFIG_RUST=y 'CONFIG_RUSTC_VERSION_TEXT="rustc 0.0.1"'
touch "$tmp/tree/rust/libkernel.rmeta"
refuses "was prepared with 'rustc 0.0.1'" "${modules[@]}" KDIR="$tmp/tree"

# In the root, where the compiler is the kernel's: Debian's configuration, but not for Hyper-V.
in_root --bind "$REPO" /src --bind "$tmp" /inst -- sh -ec '
	sed "/^CONFIG_HYPERV=/d" /build/linux/.config >/inst/tree/.config'
refuses "without CONFIG_HYPERV" in_root --bind "$REPO" /src --bind "$tmp" /inst -- \
	make --no-print-directory -C /src modules KDIR=/inst/tree

"${modules[@]}"_install INSTALL_MOD_PATH="$tmp/installed" >/dev/null 2>&1
release=$(cat "$ROOT/kernel-version")
for module in hv_vmbus_rust hv_storvsc_rust hv_netvsc_rust hv_utils_rust; do
	[ -s "$tmp/installed/lib/modules/$release/updates/hyperv-rust/$module.ko" ] || die "$module is not installed"
	echo "ok: $module is installed"
done

# In a kernel's source: one line in each of two files, ours beside them, and no more the second time.
intree=(make --no-print-directory -C "$REPO" intree)
refuses "no such folder" "${intree[@]}" KSRC="$tmp/missing"
refuses "no drivers/hv" "${intree[@]}" KSRC="$tmp"
source=$ROOT/build/linux
mkdir -p "$tmp/linux/drivers/hv" "$tmp/linux/rust/macros"
cp "$source"/drivers/hv/{Kconfig,Makefile} "$tmp/linux/drivers/hv/"
refuses "without rust/macros/module.rs" "${intree[@]}" KSRC="$tmp/linux"
cp "$source/rust/macros/module.rs" "$tmp/linux/rust/macros/"
"${intree[@]}" KSRC="$tmp/linux" >/dev/null
cp -r "$tmp/linux" "$tmp/once"
echo "// stale" >"$tmp/linux/drivers/hv/rust/vmbus/stale.rs"
"${intree[@]}" KSRC="$tmp/linux" >/dev/null
diff -r "$tmp/once" "$tmp/linux" || die "'make intree' changes something when done again"
for file in Kconfig Makefile; do
	added=$(diff "$source/drivers/hv/$file" "$tmp/linux/drivers/hv/$file" | grep -c '^[<>] .') || true
	[ "$added" = 1 ] || die "'make intree' changes $added lines of drivers/hv/$file"
done
echo "ok: make intree"

for target in setup modules modules_install dkms_install intree host images run test packaging fuzz fuzz-parsers check clean; do
	make --no-print-directory -C "$REPO" help | grep -q "^  $target " || die "'make help' does not know $target"
done
echo "ok: make help"

# The sources for DKMS, and what a kernel's headers without Rust metadata get.
DESTDIR=$tmp/dest "${modules[@]/%modules/dkms_install}" >/dev/null
source=$(echo "$tmp"/dest/usr/src/hyperv-rust-*)
for file in "$source"/{dkms.conf,Kbuild,vmbus/vmbus.rs,packaging/kernel-tree.sh} \
	"$tmp"/dest/usr/share/initramfs-tools/hooks/hyperv-rust "$tmp"/dest/usr/lib/dracut/dracut.conf.d/50-hyperv-rust.conf; do
	[ -s "$file" ] || die "$file is not installed"
done
grep -qx "PACKAGE_VERSION=\"${source##*-}\"" "$source/dkms.conf" || die "dkms.conf has another version"
echo "ok: make dkms_install"
refuses "no Rust metadata" "$source/packaging/build.sh" 7.3.0-none "$tmp/missing" "$source"
refuses "install the package linux-image-7.3.0-none" "$source/packaging/kernel-tree.sh" 7.3.0-none
