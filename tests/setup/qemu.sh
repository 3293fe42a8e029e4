#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh: the QEMU that emulates a processor with AMD-V, in the cache: Debian's sources, with what is
# wrong there for nested guests mended. Documentation/testing.rst says what that is. Three and a half
# minutes on two processors, once; the distribution's own QEMU stays in the root for its firmware.

. "$(dirname "$0")/lib.sh"
. "$REPO/tests/setup/layer.sh"

PACKAGES="dpkg-dev meson ninja-build pkgconf bzip2 python3-venv python3-pycotap libglib2.0-dev libattr1-dev zlib1g-dev"
CONFIGURE="--target-list=x86_64-softmmu --without-default-features --enable-tcg --enable-system
	--enable-plugins --enable-attr --enable-virtfs --disable-kvm --disable-pixman --disable-docs
	--disable-download --disable-install-blobs --disable-debug-info --audio-drv-list="
# mend FILE EDIT: EDIT, of sed's, must change something.
mend() {
	local file=$QEMU/layer/upper/qemu/source/$1
	cp "$file" "$file.before"
	sed -E -i "$2" "$file"
	! cmp -s "$file" "$file.before" || die "QEMU's $1 is not as it was: see whether it still needs '$2'"
}

mend_all() {
	# An interrupt that VMRUN delivered is left behind as if it were still to be delivered, and is, a
	# second time and with interrupts off, if the processor is asked to leave its loop before the next exit.
	mend target/i386/tcg/system/svm_helper.c \
		's/^( *)do_interrupt_x86_hardirq\(env, vector, 1\);/&\n\1cs->exception_index = -1;/'
	# Other threads set bits of this word at the same time.
	mend target/i386/tcg/system/svm_helper.c \
		's/^( *)cs->interrupt_request \|= CPU_INTERRUPT_VIRQ;/\1qatomic_or(\&cs->interrupt_request, CPU_INTERRUPT_VIRQ);/'
	# Whoever restores a state of the FPU writes all such flags of the first processor, interrupt masks
	# and nested paging among them, as they were when it looked.
	mend target/i386/tcg/system/fpu_helper.c \
		's/^( *)env->hflags2 &= ~HF2_IGNNE_MASK;/\1if (env->hflags2 \& HF2_IGNNE_MASK) {\n\1    env->hflags2 \&= ~HF2_IGNNE_MASK;\n\1}/'
	# What was translated of a byte is dropped before the byte is written, and another processor can
	# translate it again in between.
	mend accel/tcg/cputlb.c '/^    do_st_1\(cpu, &l\.page\[0\], val, l\.mmu_idx, ra\);/a\
    if (!(l.page[0].flags \& (TLB_MMIO | TLB_DISCARD_WRITE))) {\
        ram_addr_t written = addr + l.page[0].full->xlat_section;\
\
        smp_mb();\
        if (!cpu_physical_memory_get_dirty_flag(written, DIRTY_MEMORY_CODE)) {\
            tb_invalidate_phys_range_fast(written, 1, 0);\
        }\
    }'
	# Firmware comes from the distribution's packages.
	mend pc-bios/meson.build 's/^if unpack_edk2_blobs/if false/'
}

in_layer() { layered "$QEMU/layer" "$ROOT" sh -ec "$1"; }

fetch() {
	mkdir -p "$QEMU/layer/upper/etc"
	cp /etc/resolv.conf "$QEMU/layer/upper/etc/resolv.conf"
	in_layer "
		sed 's/^deb /deb-src /' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list
		apt-get -o Acquire::Check-Valid-Until=false update
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $PACKAGES
		mkdir -p /qemu && cd /qemu
		apt-get -o APT::Sandbox::User=root source --download-only \
			qemu=\$(dpkg-query -W -f '\${source:Version}' qemu-system-x86)
		dpkg-source --extract *.dsc source"
}

compile() {
	in_layer "
		mkdir /qemu/build && cd /qemu/build
		../source/configure $(echo $CONFIGURE)
		ninja qemu-system-x86_64
		strip qemu-system-x86_64"
	mv "$QEMU/layer/upper/qemu/build/qemu-system-x86_64" "$QEMU/"
}

[ "$(id -u)" = 0 ] || die "QEMU is built in a root that is mounted, so this must run as root"
mkdir -p "$QEMU"
exec {lock}>"$QEMU/.lock"
flock $lock
sum=$(sha1sum <"$0")
if [ ! -e "$QEMU/qemu-system-x86_64" ] || [ "$(cat "$QEMU/.sum" 2>/dev/null)" != "$sum" ]; then
	rm -rf --one-file-system "$QEMU/layer"
	step qemu-source fetch
	mend_all
	step qemu compile
	rm -rf --one-file-system "$QEMU/layer"
	echo "$sum" >"$QEMU/.sum"
fi
