#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every test, from fast to slow. A word as argument runs only the scenarios whose name has it; a second
# one is the kernel that guests boot.

. "$(dirname "$0")/../setup/lib.sh"

choice=(${1:+--only "$1"} ${2:+--kernel "$2"})
# Up to four guests at once, each of which has four times what others have.
[[ ${2:-} != @(debug|kcsan) ]] || export MEMORY=${MEMORY:-10G}

step commands "$REPO/tests/setup/test.sh"
step layout in_root --bind "$REPO/tests" /tests --bind "$OUT" /out -- \
	sh /tests/wire/layout.sh /build/linux /out/layout.txt $(debian_make_args)
# Two runs: the kernel has zerocopy without its derive feature, the host's crates have it with.
step cargo-wire env HV_LAYOUT="$OUT/layout.txt" "$REPO/tests/setup/cargo.sh" test --locked -p wire-tests
step cargo-host "$REPO/tests/setup/cargo.sh" test --locked -p source-check -p vmbus-host -p vmbus-e2e -p vmbus-bench
step emulator "$REPO/tests/lab/emulator.sh"
"$REPO/tests/lab/kunit.sh"
passed=$(awk '/^ok: / { n++ } /^test result: ok/ { n += $4 } / tests: passed: / { n += $NF } END { print n + 0 }' \
	"$LOGS"/{commands,cargo-wire,cargo-host,emulator,kunit}.log)
"$REPO/tests/setup/kernel.sh" $("$OUT/bin/vmbus-e2e" --kernels "${choice[@]}")
say "scenarios (logs: $LOGS)"
status=0
"$REPO/tests/lab/machine.sh" bin/vmbus-e2e --images images --logs logs --also-passed "$passed" "${choice[@]}" || status=$?
exit $status
