# SPDX-License-Identifier: GPL-2.0
# Sourced after say.sh: whether a kernel tree can build Rust modules, and why not.

# check_tree KDIR: says why a tree cannot build the modules, before make fails in some odd place.
check_tree() {
	local kdir=$1 want have bits
	[ -d "$kdir" ] || die "KDIR=$kdir: no such folder"
	[ -e "$kdir/.config" ] || die "KDIR=$kdir has no .config: it is not a configured kernel tree"
	grep -q '^CONFIG_RUST=y' "$kdir/.config" ||
		die "KDIR=$kdir was configured without CONFIG_RUST=y ('make rustavailable' there tells what is missing)"
	[ -e "$kdir/rust/libkernel.rmeta" ] ||
		die "KDIR=$kdir has no rust/libkernel.rmeta: run 'make prepare modules_prepare' there (a distribution's headers do not ship it)"
	want=$(sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"/\1/p' "$kdir/.config")
	have=$(${RUSTC:-rustc} --version 2>/dev/null) || die "no rustc found, $kdir was prepared with: $want"
	[ "$want" = "$have" ] || die "KDIR=$kdir was prepared with '$want', but rustc here is '$have': Rust modules need the very same compiler"
	bits=$(sed -n 's/^CONFIG_HYPERV=\(.\)/\1/p' "$kdir/.config")
	[ -n "$bits" ] || die "KDIR=$kdir was configured without CONFIG_HYPERV: the drivers need the hypercall support of the kernel's core"
}

# check_symbols TREE CONFIG: Debian ships no Rust metadata. What was compiled in TREE may stand in for
# it only where every symbol that it exports has the very name that it has in Debian's kernel.
check_symbols() {
	local ours theirs missing
	ours=$(sed -n 's/.*EXPORT_SYMBOL_RUST_GPL(\(_R[A-Za-z0-9_]*\)).*/\1/p' "$1"/rust/exports_*_generated.h | sort -u)
	theirs=$(awk '$2 ~ /^_R/ { print $2 }' "$1/Module.symvers" | sort -u)
	missing=$(comm -23 <(echo "$ours") <(echo "$theirs"))
	if [ -n "$missing" ] || [ -z "$ours" ]; then
		echo "$missing" | head -n 5
		echo "error: of $(echo "$ours" | wc -l) Rust symbols, $(echo "$missing" | wc -l) are not in Debian's kernel:"
		echo "another compiler or patch level built it. The compiler of $1 was: $(grep CONFIG_RUSTC_VERSION_TEXT "$1/.config");"
		echo "the kernel's: $(grep CONFIG_RUSTC_VERSION_TEXT "$2")"
		return 1
	fi
	echo "$(echo "$ours" | wc -l) Rust symbols are exported, each with the name it has in Debian's kernel"
}
