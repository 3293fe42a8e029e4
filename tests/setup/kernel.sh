#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh NAME...    makes kernels for guests, and our drivers for them
# kernel.sh source     only places the drivers in the source of these kernels
#
# tests/kernel/NAME.config says what a kernel is: either what it has on top of base.config, or which
# of Debian's kernels it is. Source and objects are kept in the cache, so that the second time takes
# seconds. The results are in out/images/kernels/NAME:
#   vmlinuz       the kernel
#   modules.cpio  its modules, ours and those of tests, a RAM disk to be appended to guest.cpio
#   c-drivers     is there where the C drivers are among them
# Of those for another machine only the drivers are compiled, and there are no such results.

. "$(dirname "$0")/lib.sh"

KERNELS=$CACHE/$KERNEL/kernels
FRAGMENTS=$REPO/tests/kernel
IMAGES=$OUT/images/kernels

# lock WHAT: until this script ends nobody else works on it, who has the same cache.
declare -A locked
lock() {
	local file
	[ -z "${locked[$1]:-}" ] || return 0
	exec {file}>"$KERNELS/.$1.lock"
	flock "$file"
	locked[$1]=yes
}

in_kernels() {
	in_root --bind "$KERNELS" /kernels --bind "$REPO" /src --bind "$OUT" /out -- "$@"
}

unpack() {
	rm -rf "$KERNELS/linux.partial"
	mkdir "$KERNELS/linux.partial"
	in_kernels sh -c \
		'tar --extract --file /usr/src/linux-source-*.tar.xz --directory /kernels/linux.partial --strip-components=1'
	mv "$KERNELS/linux.partial" "$KERNELS/linux"
}

# --- Kernels of our own ---------------------------------------------------------------------------

# wanted NAME: what is common, what the kernel's fragment includes, and the fragment.
wanted() {
	local other
	[ "$1" = base ] || is_foreign "$1" || cat "$FRAGMENTS/base.config"
	for other in $(sed -n 's/^# with //p' "$FRAGMENTS/$1.config"); do cat "$FRAGMENTS/$other.config"; done
	cat "$FRAGMENTS/$1.config"
}

# The compiler's choice: with KASAN, Rust and C have to have the same back end, and only clang
# compiles for all machines.
toolchain() { sed -n 's/^# by clang$/LLVM=1/p; s/^# drivers only, for /LLVM=1 ARCH=/p' "$FRAGMENTS/$1.config"; }

is_foreign() { grep -q '^# drivers only, for ' "$FRAGMENTS/$1.config"; }

# Lines of a fragment that the configuration does not have: a dependency is missing.
unheard() {
	awk -F= '/^CONFIG_/ { last[$1] = $0 } END { for (s in last) print last[s] }' "$1" | sort |
		while read -r line; do
			case $line in
			*=n) ! grep -q "^${line%=n}=" "$2" || echo "$line" ;;
			*) grep -qxF "$line" "$2" || echo "$line" ;;
			esac
		done
}

configure() {
	local name=$1 objects=$KERNELS/$1 missing
	mkdir -p "$objects"
	wanted "$name" >"$objects/wanted.new"
	# A new .config has make look at everything.
	if cmp -s "$objects/wanted.new" "$objects/wanted"; then return; fi
	in_kernels make -C /kernels/linux O=/kernels/"$name" $(toolchain "$name") \
		KCONFIG_ALLCONFIG=/kernels/"$name"/wanted.new allnoconfig
	missing=$(unheard "$objects/wanted.new" "$objects/.config")
	[ -z "$missing" ] || { echo "these depend on something that is off: $missing"; return 1; }
	mv "$objects/wanted.new" "$objects/wanted"
}

# compile NAME TARGET...
compile() {
	configure "$1" &&
		in_kernels make -C /kernels/linux O=/kernels/"$1" $(toolchain "$1") LOCALVERSION=-"$1" \
			-j"$(nproc)" "${@:2}"
}

# Names that the drivers use and that neither they nor the kernel's source, in whatever
# configuration, have to offer: without the rest of a kernel, this is as near as it gets to modpost.
unknown_symbols() {
	in_kernels bash -eu -s "$1" <<'SCRIPT'
cd "/kernels/$1"
objects=$(find drivers/hv/rust -name '*.o')
{
	llvm-nm --defined-only --just-symbol-name $objects
	sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));/\1/p' rust/exports_*_generated.h
	grep -rhoE --include='*.[chS]' --exclude-dir=arch '\<EXPORT_[A-Z_]*SYMBOL[A-Z_]*\(\s*\w+' ../linux ../linux/arch/arm64 |
		sed 's/.*(\s*//'
	# A macro exports the latter, and modpost makes the former.
	printf '%s\n' __this_module param_ops_{int,uint}
} | sort -u >offered
llvm-nm --undefined-only --just-symbol-name $objects | grep '^\w*$' | sort -u >used
[ -s used ]
comm -23 used offered
SCRIPT
}

compile_drivers() {
	local unknown
	compile "$1" drivers/hv/rust/ && unknown=$(unknown_symbols "$1") || return 1
	[ -z "$unknown" ] || { echo "the kernel does not export" $unknown; return 1; }
}

# --- Debian's -------------------------------------------------------------------------------------

# What Debian calls the kernel; nothing for one of our own.
flavour() { sed -n 's/^# from Debian: //p' "$FRAGMENTS/$1.config"; }

# Lists of packages are no part of the root.
download() {
	local release=$1
	in_kernels sh -ec '
		mkdir -p /kernels/apt/lists/partial /kernels/apt/cache/archives/partial
		options="-o Dir::State::lists=/kernels/apt/lists -o Dir::Cache=/kernels/apt/cache
			-o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root"
		apt-get $options update
		rm -rf "/kernels/$1.debs" && mkdir "/kernels/$1.debs" && cd "/kernels/$1.debs"
		for part in base binary modules headers; do apt-get $options download "linux-$part-$1"; done
		for deb in *.deb; do dpkg -x "$deb" .; done
		rm *.deb
		depmod -b . "$1" || depmod -b usr "$1"' sh "$release"
}

# As the kernel of the root in setup.sh: only rust/ and a few tools are compiled.
prepare_debian() {
	local name=$1 release=$2 debs=$KERNELS/$2.debs objects=$KERNELS/$1
	[ -e "$objects/.prepared" ] && return
	download "$release"
	rm -rf "$objects" && mkdir "$objects"
	cp "$debs/boot/config-$release" "$objects/.config" ||
		cp "$debs/usr/lib/modules/$release/config" "$objects/.config"
	in_kernels make -C /kernels/linux O=/kernels/"$name" CC=x86_64-linux-gnu-gcc-14 \
		LOCALVERSION=+"${release#*+}" -j"$(nproc)" olddefconfig prepare modules_prepare
	cp "$debs/usr/src/linux-headers-$release/Module.symvers" "$objects/"
	check_symbols "$objects" "$debs"/boot/config-*
	touch "$objects/.prepared"
}

modules_for_debian() {
	local name=$1 release=$2
	mkdir -p "$OUT/modules-$name"
	in_kernels make -C /kernels/"$name" CC=x86_64-linux-gnu-gcc-14 LOCALVERSION=+"${release#*+}" \
		M=/src MO=/out/modules-"$name" -j"$(nproc)" modules
}

# --- Results --------------------------------------------------------------------------------------

collect() {
	mkdir -p "$IMAGES/$1"
	in_kernels bash -eu -s "$@" <<'SCRIPT'
name=$1 release=${2:-$(cat "/kernels/$1/include/config/kernel.release")} images=/out/images/kernels/$1
tree=$(mktemp -d)
dest=$tree/lib/modules/$release
. /src/tests/setup/test-modules.sh
mkdir -p "$dest"
if [ -z "${2:-}" ]; then
	make -C "/kernels/$name" $3 INSTALL_MOD_PATH="$tree" LOCALVERSION=-"$name" modules_install
	if grep -qx '# with scenarios' "/src/tests/kernel/$name.config"; then
		test_modules "$tree/test-modules" "$tree" "$release" /src/tests/guest/modules \
			-C "/kernels/$name" $3 LOCALVERSION=-"$name"
	fi
	find "$dest" -name '*.ko' -exec mv {} "$dest" ';'
	rm -rf "$dest"/{kernel,build,source}
	kernel=/kernels/$name/arch/x86/boot/bzImage
else
	debs=/kernels/$release.debs
	[ -d "$debs/lib/modules" ] || ln -sf usr/lib "$debs/lib"
	for module in hv_storvsc hv_netvsc hv_utils sd_mod sr_mod ext4 isofs msr; do
		modprobe -d "$debs" --show-depends -S "$release" "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
	done | sort -u | while read -r file; do
		xz -dc "$file" >"$dest/$(basename "${file%.xz}")"
	done
	cp "$debs/lib/modules/$release"/modules.builtin* "$dest/"
	cp /out/modules-"$name"/*.ko "$dest/"
	test_modules "$tree/test-modules" "$debs" "$release" /src/tests/guest/modules \
		-C "/kernels/$name" CC=x86_64-linux-gnu-gcc-14 LOCALVERSION=+"${release#*+}"
	touch "$images/c-drivers"
	kernel=$(ls "$debs"/boot/vmlinuz-* "$debs/lib/modules/$release"/vmlinuz 2>/dev/null | head -n 1)
fi
cd "$tree"
depmod -b . "$release"
find . -print0 | cpio --null --quiet -o -H newc >"$images/modules.cpio"
cp "$kernel" "$images/vmlinuz"
rm -rf "$tree"
SCRIPT
}

# What a result is made of. Where it is the same, there is nothing to do.
contents() {
	cat "$0" "$REPO"/tests/{setup/test-modules.sh,guest/modules/*} "$FRAGMENTS/base.config" "$FRAGMENTS"/*.config
	(driver_sources | sort | while read -r file; do cat "$REPO/$file"; done)
}

make_own() {
	if is_foreign "$1"; then
		step "kernel-$1" compile_drivers "$1"
		mkdir -p "$IMAGES/$1"
		return
	fi
	step "kernel-$1" compile "$1" bzImage modules
	step "kernel-$1-images" collect "$1" "" "$(toolchain "$1")"
}

make_debian() {
	local release
	release=${KERNEL%%+*}+deb13-$(flavour "$1")
	step "kernel-$1" prepare_debian "$1" "$release"
	step "kernel-$1-modules" modules_for_debian "$1" "$release"
	step "kernel-$1-images" collect "$1" "$release"
}

[ $# -gt 0 ] || exit 0
[ -e "$ROOT/.complete" ] || "$REPO/tests/setup/setup.sh" kernel
mkdir -p "$KERNELS" "$LOGS" "$IMAGES"
if [ ! -d "$KERNELS/linux" ]; then
	lock source
	[ -d "$KERNELS/linux" ] || step kernel-source unpack
fi
if [ "$*" = source ]; then
	lock tree
	exec "$REPO/tests/setup/intree.sh" "$KERNELS/linux"
fi
sum=$(contents | sha1sum | cut -d' ' -f1)
for name; do
	[ -e "$FRAGMENTS/$name.config" ] ||
		die "there is no kernel '$name'; there are: $(cd "$FRAGMENTS" && ls | sed 's/\.config//' | grep -vE '^(base|scenarios|arm64)$' | xargs)"
	[ "$(cat "$IMAGES/$name/sum" 2>/dev/null)" != "$sum" ] || continue
	if [ -n "$(flavour "$name")" ]; then
		lock "$name"
		make_debian "$name"
	else
		lock tree # whose drivers are in it is of importance
		"$REPO/tests/setup/intree.sh" "$KERNELS/linux" >"$LOGS/intree.log"
		make_own "$name"
	fi
	echo "$sum" >"$IMAGES/$name/sum"
done
