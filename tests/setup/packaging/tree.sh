# SPDX-License-Identifier: GPL-2.0
# Sourced: whether a kernel tree can build Rust modules, and why not.

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
