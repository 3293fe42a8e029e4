#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every test, from fast to slow. A word as argument runs only the scenarios whose name has it.

. "$(dirname "$0")/../setup/lib.sh"

"$REPO/tests/wire/layout.sh" "$ROOT/build/linux" "$OUT/layout.txt"
step cargo-test env HV_LAYOUT="$OUT/layout.txt" "$REPO/tests/setup/cargo.sh" test --workspace --locked
cargo_passed=$(awk '/^test result: ok/ { n += $4 } END { print n + 0 }' "$LOGS/cargo-test.log")
say "scenarios (logs: $LOGS)"
status=0
"$REPO/tests/lab/machine.sh" bin/vmbus-e2e --images images --logs logs --also-passed "$cargo_passed" ${1:+--only "$1"} || status=$?
exit $status
