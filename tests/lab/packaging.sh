#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a Debian machine makes of the drivers, from the sources to a guest's root file system.

. "$(dirname "$0")/../setup/lib.sh"

step packaging "$REPO/tests/setup/packaging/test.sh"
passed=$(grep -c '^ok: ' "$LOGS/packaging.log")
"$REPO/tests/lab/machine.sh" bin/vmbus-e2e --images images --logs logs --also-passed "$passed" --only packaging/initramfs
