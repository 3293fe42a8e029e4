#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fuzz.sh SECONDS [PLAN [KERNEL]]: guests with all four drivers at work, on a host that has gone mad. Says the plan of
# each guest; the same plan makes the same decisions again.

. "$(dirname "$0")/../setup/lib.sh"

seconds=${1:?how many seconds}
[ -z "${3:-}" ] || "$REPO/tests/setup/kernel.sh" "$3"
say "fuzzing for $seconds s (consoles and the last changes of what is found: $LOGS/fuzz-campaign-*)"
# A guest that does not answer is waited for.
LIMIT=$((seconds + 1800)) VCPUS=${VCPUS:-2} "$REPO/tests/lab/machine.sh" \
	env FUZZ_TIME="$seconds" ${2:+FUZZ_PLAN="$2"} \
	bin/vmbus-e2e --images images --logs logs --cpus 2 --only fuzz/campaign ${3:+--kernel "$3"}
