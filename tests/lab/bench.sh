#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh [quick]: measures the C drivers and ours. Quick is the counting, which is exact, and the rings
# by themselves; the speeds take alternating guests, several of each.

. "$(dirname "$0")/../setup/lib.sh"

ring() { "$REPO/tests/setup/cargo.sh" bench --locked -p wire-tests --bench ring >"$OUT/bench/ring.txt"; }

mkdir -p "$OUT/bench"
step bench-ring ring
say "instructions and the like (guests under emulation, a few minutes)"
PLUGIN=/lab/bin/libbench_plugin.so,out=/lab/bench VCPUS=2 LIMIT=${LIMIT:-1800} \
	"$REPO/tests/lab/machine.sh" bin/vmbus-bench count
if [ "${1:-}" != quick ]; then
	say "speeds, in turn"
	VCPUS=2 LIMIT=${LIMIT:-5400} "$REPO/tests/lab/machine.sh" bin/vmbus-bench time
fi
cd "$OUT"
bin/vmbus-bench report
say "out/bench: tables.txt, bench.json, bench.svg; profiles by function are in out/logs/bench-*.profile-*"
