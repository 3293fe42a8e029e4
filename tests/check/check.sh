#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What reviewers would say about the sources: format, lints, C style, scripts, documentation.
# The rules that only this project has are cargo tests of the crate in this folder.

. "$(dirname "$0")/../setup/lib.sh"
. "$REPO/tests/setup/layer.sh"

CLIPPY_OUT=$OUT/clippy
ROOTS=(vmbus/vmbus.rs vmbus/module.rs storvsc/storvsc.rs netvsc/netvsc.rs hv_util/hv_util.rs)

in_source() { in_root --bind "$REPO" /src "$@"; }

format() {
	in_source -- rustfmt --edition 2021 --config-path /build/linux/.rustfmt.toml --check \
		"${ROOTS[@]/#//src/}" || return 1
	"$REPO/tests/setup/cargo.sh" fmt --all --check
}

# The kernel's own set of lints. A warning is an error.
lint_modules() {
	mkdir -p "$CLIPPY_OUT"
	in_root --bind "$REPO" /src --bind "$CLIPPY_OUT" /out -- \
		make -C /build/linux $(debian_make_args) M=/src MO=/out -j"$(nproc)" CLIPPY=1 modules 2>&1 |
		tee "$LOGS/clippy-modules.log"
	! grep -E '^(warning|error)' "$LOGS/clippy-modules.log" | grep -v 'compiler differs'
}

# each CARGO-ARGUMENT...: for the crates of tests/, in two runs, because they want zerocopy with
# different features.
each() {
	"$REPO/tests/setup/cargo.sh" "$1" --locked --workspace --exclude wire-tests "${@:2}" &&
		"$REPO/tests/setup/cargo.sh" "$1" --locked -p wire-tests "${@:2}"
}

lint_host() { each clippy --all-targets -- -D warnings; }

document_host() { RUSTDOCFLAGS="-D warnings" each doc --no-deps --document-private-items; }

# A cross-reference that leads nowhere is an error, too.
document_all() {
	in_extra sh -c 'sphinx-build -C -D root_doc=index -D project=hyperv-rust -W --keep-going -n -q -b html /host/Documentation /tmp/html'
}

# The database of advisories comes from the net, beside the registry.
advisories() {
	"$REPO/tests/setup/cargo.sh" audit --version >/dev/null 2>&1 ||
		{ echo "cargo-audit is not installed: nobody looks for advisories"; return 0; }
	"$REPO/tests/setup/cargo.sh" audit --deny warnings
}

c_style() {
	in_source -- sh -c 'cd /src && perl /build/linux/scripts/checkpatch.pl --no-tree --no-summary --terse --strict \
		--root /build/linux --ignore AVOID_EXTERNS,VSPRINTF_POINTER_EXTENSION --file */*.c tests/guest/modules/*.c include/hv_bindings.h Kconfig'
}

scripts() {
	local script
	grep -rlE '^#!/bin/(ba|busybox )?sh' "$REPO/tests" "$REPO/.ci" --include='*' --exclude-dir=target | while read -r script; do
		bash -n "$script" && echo "ok: ${script#"$REPO"/}"
	done
}

step check-format format
step check-modules lint_modules
step check-host lint_host
step check-docs document_host
need_extra
step check-sphinx document_all
step check-c c_style
"$REPO/tests/setup/kernel.sh" arm64-4k arm64-64k
step check-scripts scripts
step check-advisories advisories
step check-rules "$REPO/tests/setup/cargo.sh" test --locked -p source-check
say "check: nothing to say"
