#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [cargo-mutants' options]: whether the cargo tests notice when a pure file of the drivers is
# wrong: by cargo-mutants, which has to be installed. For example: mutants.sh --re storvsc/wire -C --test=storvsc
#
# It changes only what is below the folder of the crate, and no module that is for tests. So this
# works on a copy in which the crate of these tests is the top of the repository, and the drivers'
# files are modules like others.

. "$(dirname "$0")/../setup/lib.sh"

WORK=$OUT/pure

manifest() {
	local test
	printf '[package]\nname = "wire-tests"\nversion = "0.1.0"\nedition = "2021"\n\n'
	printf '[profile.dev]\ndebug = false\n\n'
	printf '[lib]\nname = "wire_tests"\npath = "tests/wire/src/lib.rs"\n\n'
	for test in tests/wire/tests/*.rs tests/wire/tests/*/main.rs; do
		printf '[[test]]\nname = "%s"\npath = "%s"\n\n' \
			"$(basename "$(echo "$test" | sed 's|/main.rs||')" .rs)" "$test"
	done
	sed -n '/^\[dependencies\]/,/^\[\[bench\]\]/{/^\[\[bench/!p}' tests/wire/Cargo.toml
}

mkdir -p "$WORK"
cd "$REPO"
cp -a --parents vmbus storvsc netvsc hv_util tests/wire "$WORK/"
cp tests/Cargo.lock "$WORK/"
manifest >"$WORK/Cargo.toml"
sed -i '/^#\[cfg(test)\]$/{N;/#\[expect/s/^[^\n]*\n//}' "$WORK/tests/wire/src/lib.rs"
[ ! -e "$OUT/layout.txt" ] || export HV_LAYOUT=$OUT/layout.txt
cargo mutants --dir "$WORK" --in-place --output "$OUT" --minimum-test-timeout 60 "$@"
