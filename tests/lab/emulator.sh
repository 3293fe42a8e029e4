#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Whether the machine that machine.sh starts can be trusted with guests: what Debian's QEMU fails at,
# see Documentation/testing.rst. Where nothing is emulated there is nothing to see.

. "$(dirname "$0")/../setup/lib.sh"

! "$OUT/bin/vmbus-host" check || exit 0

# An interrupt is delivered once, whatever stops the processors meanwhile.
PAUSES=1 LIMIT=300 "$REPO/tests/lab/machine.sh" \
	bin/vmbus-e2e --images images --logs logs --only util/kvp --driver c
echo "ok: a guest in a machine that pauses"

# Code that one processor changes is seen by the others: the kernel's scheduler, which all are in, has
# branches that come and go with a setting.
LIMIT=300 "$REPO/tests/lab/machine.sh" sh -c '
	for cpu in 1 2 3; do (while :; do usleep 10; done) & done
	end=$(($(date +%s) + 20))
	while [ $(date +%s) -lt $end ]; do
		for time in 1 2 3 4 5; do
			echo 1 >/proc/sys/kernel/sched_schedstats
			echo 0 >/proc/sys/kernel/sched_schedstats
		done
	done
	kill $(jobs -p)'
echo "ok: 20 s of changes of the kernel's code"
