#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Makes out/images:
#   vmlinuz      Debian's kernel, for the machine under test and for the one around it
#   outer.cpio   RAM disk of the outer machine: KVM and a shared folder
#   guest.cpio   RAM disk of a guest: the stock C drivers, ours, modules of tests, an agent
#   fio.cpio     what a guest needs for fio, to be appended to guest.cpio
#   net.cpio     what a guest needs for its network card: ethtool, ip, iperf3, XDP programs
#   selftests.cpio programs of the kernel's own tests for network cards
#   bench.cpio   what a guest needs for the benchmark, if that was built: its loads, fio, iperf3
#   daemons.cpio the same for Debian's hyperv-daemons, and phc_ctl
#   root.img     a guest's root file system, for kernels that need no modules
#   disk.img     a disk with one ext4 partition, and disk.sum with the checksum of a file on it
# Each is made anew only when something that goes into it is newer.

. "$(dirname "$0")/lib.sh"

VERSION=$(cat "$ROOT/kernel-version")
IMAGES=$OUT/images
mkdir -p "$IMAGES" "$LOGS"

# stale IMAGE INPUT...: whether an input is newer than the image.
stale() {
	local image=$1 input
	shift
	[ -e "$image" ] || return 0
	for input; do [ "$input" -nt "$image" ] && return 0; done
	return 1
}

# A shell that runs in the root makes the tree of a RAM disk: it has the right tools, and finds the
# libraries and module dependencies where they belong.
make_cpio() {
	in_root --bind "$REPO/tests" /tests --bind "$OUT" /out -- \
		bash -eu -o pipefail -s "$VERSION" "$@" <<'SCRIPT'
version=$1 image=$2 tree=$(mktemp -d)
. /tests/setup/test-modules.sh
cd "$tree"

add_modules() {
	local dest=lib/modules/$version module file
	mkdir -p "$dest"
	for module; do
		modprobe --show-depends -S "$version" "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r file; do
		xz -dc "$file" >"$dest/$(basename "${file%.xz}")"
	done
	cp /lib/modules/"$version"/modules.builtin* "$dest/"
}

# add_programs PROGRAM...: with the libraries that they load.
add_programs() {
	local file
	mkdir -p usr/bin usr/lib lib64
	for file; do
		cp -L "$file" usr/bin/
		ldd "$file" | grep -o '/[^ ]*' || true
	done | sort -u | while read -r file; do
		mkdir -p ".$(dirname "$file")"
		cp -L "$file" ".$file"
	done
}

add_busybox() { mkdir -p bin dev; cp /usr/bin/busybox bin/; mknod -m 600 dev/console c 5 1; mknod -m 666 dev/null c 1 3; }

case $image in
outer)
	add_busybox
	add_modules kvm-amd 9p 9pnet_virtio tun
	install -m 755 /tests/lab/outer-init init ;;
guest)
	add_busybox
	add_modules hv_storvsc hv_netvsc hv_utils sd_mod sr_mod ext4 isofs msr
	cp /out/modules/*.ko "lib/modules/$version/"
	add_programs /usr/sbin/e2fsck /usr/sbin/resize2fs
	install -m 755 -s /out/bin/scsi-tool bin/
	test_modules test-modules / "$version" /tests/guest/modules \
		-C /build/linux CC=x86_64-linux-gnu-gcc-14 LOCALVERSION="+${version#*+}"
	find /tests/guest -maxdepth 1 -type f -exec install -m 755 -t . {} + ;;
fio)
	add_programs /usr/bin/fio ;;
net)
	add_programs /usr/sbin/ethtool /usr/bin/ip /usr/sbin/bridge /usr/bin/iperf3
	# The C library loads it by itself to cancel a thread.
	cp -L /usr/lib/x86_64-linux-gnu/libgcc_s.so.1 usr/lib/
	mkdir -p bin
	mv usr/bin/ip bin/ip # busybox's shell prefers its own for a name without a path
	for source in /tests/guest/tools/*.c; do
		gcc -O2 -Wall -static "$source" -o "usr/bin/$(basename "${source%.c}")"
	done
	for source in /tests/guest/xdp/*.c; do
		clang -O2 -g -Wall -target bpf -I /usr/include/x86_64-linux-gnu -c "$source" -o "$(basename "${source%.c}").o"
	done ;;
selftests)
	mkdir -p selftests
	install -m 644 /tests/guest/selftests/run selftests/
	cd /build/linux/tools/testing/selftests
	for source in net/lib/gro net/lib/csum net/msg_zerocopy net/udpgso_bench_tx net/udpgso_bench_rx; do
		gcc -O2 -static -D_GNU_SOURCE= -I . -I net/lib -I ../../../usr/include \
			-o "$tree/selftests/$(basename $source)" $source.c
	done
	cd "$tree" ;;
bench)
	install -D -m 755 -s -t bin /out/bin/bench-load
	add_programs /usr/bin/fio /usr/bin/iperf3 ;;
daemons)
	add_programs /usr/sbin/hv_kvp_daemon /usr/sbin/hv_vss_daemon /usr/sbin/phc_ctl /usr/bin/bash /usr/bin/ip
	mkdir -p bin etc usr/libexec
	ln -s /usr/bin/bash bin/bash
	cp -r /usr/libexec/hypervkvpd usr/libexec/
	install -m 755 /tests/guest/set-ifconfig usr/libexec/hypervkvpd/hv_set_ifconfig
	cp -L /etc/os-release etc/
	echo 127.0.0.1 guest.example guest >etc/hosts ;;
esac
[ ! -d lib/modules ] || depmod -b . "$version"
chmod 755 .
find . -print0 | cpio --null --quiet -o -H newc >"/out/images/$image.cpio.new"
mv "/out/images/$image.cpio.new" "/out/images/$image.cpio"
rm -rf "$tree"
SCRIPT
}

make_disk() {
	in_root --bind "$OUT" /out -- bash -eu -o pipefail <<'SCRIPT'
tree=$(mktemp -d) disk=/out/images/disk.img
rm -f "$disk"; mkdir -p "$tree/docs"
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(8 << 20))' >"$tree/data.bin"
cp /usr/share/common-licenses/* "$tree/docs/"
(cd "$tree" && find . -type f ! -name MD5SUMS -print0 | xargs -0 md5sum >MD5SUMS)
truncate -s 64M "$disk.new"
echo 'start=2048, type=83' | sfdisk --quiet "$disk.new"
mke2fs -q -t ext4 -d "$tree" -E offset=1048576 "$disk.new" 63M
md5sum "$tree/data.bin" | cut -d' ' -f1 >/out/images/disk.sum
mv "$disk.new" "$disk"
rm -rf "$tree"
SCRIPT
}

make_root() {
	in_root --bind "$OUT" /out -- bash -eu -o pipefail <<'SCRIPT'
tree=$(mktemp -d) image=/out/images/root.img
(cd "$tree" && cpio --quiet -id </out/images/guest.cpio && rm -rf lib/modules test-modules && mkdir -p dev proc sys tmp run)
truncate -s 64M "$image.new"
mke2fs -q -t ext4 -d "$tree" "$image.new"
mv "$image.new" "$image"
rm -rf "$tree"
SCRIPT
}

[ "$IMAGES/vmlinuz" -nt "$ROOT/.complete" ] || cp "$ROOT/boot/vmlinuz-$VERSION" "$IMAGES/vmlinuz"
self=$REPO/tests/setup/images.sh
if stale "$IMAGES/outer.cpio" "$self" "$REPO/tests/lab/outer-init" "$ROOT/.complete"; then step outer-image make_cpio outer; fi
if stale "$IMAGES/guest.cpio" "$self" "$REPO"/tests/{setup/test-modules.sh,guest/*,guest/modules/*} "$OUT"/modules/*.ko "$OUT/bin/scsi-tool" "$ROOT/.complete"; then step guest-image make_cpio guest; fi
if stale "$IMAGES/fio.cpio" "$self" "$ROOT/.complete"; then step fio-image make_cpio fio; fi
if stale "$IMAGES/net.cpio" "$self" "$REPO"/tests/guest/{tools,xdp}/* "$ROOT/.complete"; then step net-image make_cpio net; fi
if stale "$IMAGES/selftests.cpio" "$self" "$REPO"/tests/guest/selftests/run "$ROOT/.complete"; then step selftests-image make_cpio selftests; fi
if [ -e "$OUT/bin/bench-load" ] && stale "$IMAGES/bench.cpio" "$self" "$OUT/bin/bench-load" "$ROOT/.complete"; then step bench-image make_cpio bench; fi
if stale "$IMAGES/daemons.cpio" "$self" "$REPO/tests/guest/set-ifconfig" "$ROOT/.complete"; then step daemons-image make_cpio daemons; fi
if stale "$IMAGES/disk.img" "$self" "$ROOT/.complete"; then step disk-image make_disk; fi
if stale "$IMAGES/root.img" "$self" "$IMAGES/guest.cpio"; then step root-image make_root; fi
