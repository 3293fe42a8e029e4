#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What an administrator does with the packages of a Debian machine, in a copy of the root that is
# thrown away: DKMS adds, builds, installs and removes the modules, also by itself for a second
# kernel, and refuses in words where it cannot; initramfs-tools makes an initial RAM disk with them.
# Leaves out/images/packaged.cpio, that RAM disk.
# Prints a line for each check that passed, and fails at the first that does not.

. "$(dirname "$0")/../lib.sh"
. "$REPO/tests/setup/layer.sh"

VERSION=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' "$REPO/tests/Cargo.toml")

# Runs in the layer.
administrate() {
	cat <<'SCRIPT'
release=$1 version=$2 module=hyperv-rust/$2 updates=/lib/modules/$1/updates/dkms
fail() { echo "error: $*"; tail -n 20 /var/lib/dkms/hyperv-rust/*/build/make.log 2>/dev/null || true; exit 1; }
has() { for name in vmbus storvsc netvsc utils; do ls "$1"/hv_${name}_rust.ko* >/dev/null 2>&1 || return 1; done; }

make --no-print-directory -C /host dkms_install
dkms add $module
! dkms build $module -k $release || fail "headers without Rust metadata should be refused"
grep -q "Make a tree that has, once for each kernel: /usr/src/hyperv-rust-$version/packaging/kernel-tree.sh $release" \
	/var/lib/dkms/$module/build/make.log || fail "it is not said what is missing"
echo "ok: DKMS says what is missing"

ln -s /build/linux /usr/src/linux-rust-$release
dkms build $module -k $release || fail "the modules do not build"
dkms install $module -k $release
has $updates || fail "not installed: $(ls $updates)"
modprobe --show-depends -S $release hv_storvsc_rust | grep -q $updates/hv_vmbus_rust.ko || fail "modprobe does not find them"
echo "ok: DKMS adds, builds, installs"

disk=/host/out/images/packaged.cpio
mkinitramfs -o $disk.new $release
lsinitramfs $disk.new >/tmp/files
for name in vmbus storvsc netvsc utils; do
	grep -q "/hv_${name}_rust.ko" /tmp/files || fail "hv_${name}_rust is not in the initial RAM disk"
done
grep -q /hv_storvsc.ko /tmp/files || fail "the C driver is not in the initial RAM disk"
mv $disk.new $disk
echo "ok: initramfs-tools puts both sets of drivers into the initial RAM disk"

# A second kernel: of the same sources, by another name.
second=${release%%+*}+second
cp -rs /build/linux /usr/src/linux-rust-$second
cd /usr/src/linux-rust-$second
for file in include/config/kernel.release include/generated/utsrelease.h; do
	sed "s/$release/$second/" $file >/tmp/file
	mv /tmp/file $file
done
mkdir -p /lib/modules/$second
ln -s /usr/src/linux-rust-$second /lib/modules/$second/build
cd /
dkms autoinstall -k $second || fail "no modules for the second kernel"
has /lib/modules/$second/updates/dkms || fail "not installed for the second kernel"
modinfo -F vermagic /lib/modules/$second/updates/dkms/hv_vmbus_rust.ko* | grep -q "^$second " || fail "for which kernel are they?"
echo "ok: DKMS follows to a second kernel"

old=7.2.0+old
mkdir -p /lib/modules/$old
ln -s /usr/src/linux-rust-$second /lib/modules/$old/build
dkms autoinstall -k $old || fail "a kernel that is too old should be passed over"
[ ! -e /lib/modules/$old/updates ] || fail "modules for a kernel that is too old"
echo "ok: DKMS passes over a kernel that is too old"

dkms remove $module --all
! has $updates || fail "not removed"
[ -z "$(dkms status)" ] || fail "something is left: $(dkms status)"
echo "ok: DKMS removes"
SCRIPT
}

need_extra
mkdir -p "$OUT/images"
administrate | in_extra bash -eu -s "$(cat "$ROOT/kernel-version")" "$VERSION"
