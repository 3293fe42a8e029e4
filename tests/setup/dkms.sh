#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh: installs, under DESTDIR (default /):
#   /usr/src/hyperv-rust-VERSION              the drivers' sources, for DKMS
#   /usr/share/initramfs-tools/hooks,
#   /usr/lib/dracut/dracut.conf.d             what puts the drivers into initial RAM disks
#   /usr/share/doc/hyperv-rust/examples       what an administrator may want in /etc

. "$(dirname "$0")/lib.sh"

VERSION=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' "$REPO/tests/Cargo.toml")
PACKAGING=$REPO/tests/setup/packaging
dest=${DESTDIR:-}
source=$dest/usr/src/hyperv-rust-$VERSION
examples=$dest/usr/share/doc/hyperv-rust/examples

rm -rf "$source"
mkdir -p "$source" || die "cannot write to $source (are you root?)"
cp -r "$REPO"/{COPYING,Kbuild,Kconfig,include,vmbus,storvsc,netvsc,hv_util} "$source/"
mkdir "$source/packaging"
cp "$PACKAGING"/{say.sh,tree.sh,build.sh,kernel-tree.sh} "$source/packaging/"
sed "s/@VERSION@/$VERSION/" "$PACKAGING/dkms.conf" >"$source/dkms.conf"
install -D -m 755 "$PACKAGING/initramfs-tools.hook" "$dest/usr/share/initramfs-tools/hooks/hyperv-rust"
install -D -m 644 "$PACKAGING/dracut.conf" "$dest/usr/lib/dracut/dracut.conf.d/50-hyperv-rust.conf"
install -D -m 644 "$PACKAGING/modprobe.conf" "$examples/modprobe.d/hyperv-rust.conf"
install -D -m 644 "$PACKAGING/grub.cfg" "$examples/default/grub.d/hyperv-rust.cfg"
say "the sources are in $source; now:"
echo "    ${source#"$dest"}/packaging/kernel-tree.sh        # a tree to build in, once for each kernel"
echo "    dkms install hyperv-rust/$VERSION"
